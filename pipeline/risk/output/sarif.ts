import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Log, ReportingConfiguration, Result } from "sarif";
import { rules } from "../rules/index.js";
import type { FileRisk, RiskFinding, Tier } from "../types.js";

const levels: Readonly<Record<Tier, NonNullable<ReportingConfiguration["level"]>>> = {
  safe: "note",
  risky: "warning",
  dangerous: "error",
};

/** SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0), as code scanning takes it. */
export function renderSarif(risks: readonly FileRisk[]): string {
  const log: Log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "safe-migration risk", rules: rules.map(describe) } },
        columnKind: "utf16CodeUnits",
        results: risks.flatMap(({ file, findings }) => findings.map((finding) => result(file, finding))),
      },
    ],
  };
  return JSON.stringify(log);
}

function describe({ id, title, reason, safer, boundary, tier }: (typeof rules)[number]) {
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: reason },
    help: {
      text: `${reason} Safer: ${safer} ${boundary}`,
      markdown: `${reason}\n\n**Safer:** ${safer}\n\n${boundary}`,
    },
    defaultConfiguration: { level: levels[tier] },
  };
}

function result(file: string, { rule, tier, line, message, safer, ignored }: RiskFinding): Result {
  return {
    ruleId: rule,
    ruleIndex: rules.findIndex(({ id }) => id === rule),
    level: levels[tier],
    message: { text: `${message} Safer: ${safer}` },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: line } } }],
    ...(ignored === undefined ? {} : { suppressions: [{ kind: "inSource", justification: ignored.reason }] }),
  };
}

/** A relative path stays relative, which code scanning takes as of the repository. */
function uriOf(file: string): string {
  if (path.isAbsolute(file)) return pathToFileURL(file).href;
  return file.split(path.sep).map(encodeURIComponent).join("/");
}
