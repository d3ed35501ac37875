import { rules } from "../rules/index.js";
import type { FileRisk, Tier } from "../types.js";

const levels: Readonly<Record<Tier, string>> = { safe: "note", risky: "warning", dangerous: "error" };

/** SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0), as code scanning takes it. */
export function renderSarif(risks: readonly FileRisk[]): string {
  const results = risks.flatMap(({ file, findings }) =>
    findings.map(({ rule, tier, line, message, safer, ignored }) => ({
      ruleId: rule,
      ruleIndex: rules.findIndex(({ id }) => id === rule),
      level: levels[tier],
      message: { text: `${message} Safer: ${safer}` },
      locations: [{ physicalLocation: { artifactLocation: { uri: encodeURI(file) }, region: { startLine: line } } }],
      ...(ignored === undefined ? {} : { suppressions: [{ kind: "inSource", justification: ignored.reason }] }),
    })),
  );
  const described = rules.map(({ id, title, reason, safer, tier }) => ({
    id,
    shortDescription: { text: title },
    fullDescription: { text: reason },
    help: { text: safer },
    defaultConfiguration: { level: levels[tier] },
  }));
  return JSON.stringify({
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "safe-migration risk", rules: described } }, results }],
  });
}
