import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import prettier from "prettier";
import ts from "typescript";
import { parse } from "yaml";
import { z } from "zod";
import { configSchema, projectName } from "../../config.js";
import { type Key, keysOf } from "./describeType.js";

/** `docs/configuration.md`, made from the configuration's schema: types and comments from TypeScript, defaults from zod. */

const root = resolve(__dirname, "../..");
export const configurationPage = join(root, "docs/configuration.md");

const introduction = `# Configuration

<!-- Made from config/sections.ts by npm run docs; a test holds it to that. -->

\`Pulumi.yaml\` declares each section with its defaults, and a stack's file \`Pulumi.<stack>.yaml\` names what differs:

\`\`\`yaml
config:
  ${projectName}:backup: { keep: 30 }
\`\`\`

A mistake is refused before anything is touched, all mistakes at once, each with its key and what is allowed.
`;

const projectFile = z.object({ config: z.record(z.string(), z.object({ description: z.string() })) });

/** The page's text. */
export async function configurationText(): Promise<string> {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path)).config,
    ts.sys,
    root,
  );
  const keys = keysOf(join(root, "config/sections.ts"), "Config", options);
  const schema = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
  const { config: declared } = projectFile.parse(parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")));
  const sections = keys.filter(({ path }) => !/[.[]/.test(path));
  const parts = sections.map((section) => {
    const within = keys.filter(
      ({ path }) => path.startsWith(`${section.path}.`) || path.startsWith(`${section.path}[`),
    );
    const rows = within.map((key) => row(key, section.path, schema));
    const table = ["| key | may be | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
    const said = section.doc === "" ? `${declared[section.path]?.description ?? ""}.` : section.doc;
    return `## ${section.path}\n\n${linked(said)}\n\n${table}\n`;
  });
  return prettier.format([introduction, ...parts].join("\n"), { parser: "markdown", printWidth: 120 });
}

function row({ path, type, doc, form, steps }: Key, section: string, schema: object): string {
  const { found, required } = lookUp(schema, steps);
  const name = path.slice(section.length).replace(/^\./, "");
  const cells = [
    `\`${name}\`${form === undefined ? "" : ` (\`${form}\`)`}`,
    `${type}${range(found)}`,
    defaultOf(found) ?? (required ? "must be given" : "–"),
    linked(doc),
  ];
  return `| ${cells.map((cell) => cell.replace(/\|/g, "\\|")).join(" | ")} |`;
}

/** A page that a comment names, as a link. */
function linked(doc: string): string {
  return doc.replace(/\bdocs\/([\w-]+\.md)\b/g, "[$1]($1)").replace(/`(\[[\w-]+\.md\]\([\w-]+\.md\))`/g, "$1");
}

const node = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
type Node = z.infer<typeof node>;

function lookUp(schema: object, steps: readonly (string | number)[]): { found: Node | undefined; required: boolean } {
  let at: unknown = schema;
  let required = false;
  for (const step of steps) {
    const parsed = node.safeParse(at);
    if (!parsed.success) return { found: undefined, required: false };
    const { properties, items, anyOf, oneOf, required: needed } = parsed.data;
    if (typeof step === "number") at = (oneOf ?? anyOf ?? [])[step];
    else if (step === "[]") at = items;
    else {
      at = properties?.[step];
      required = needed?.includes(step) ?? false;
    }
  }
  const parsed = node.safeParse(at);
  return { found: parsed.success ? parsed.data : undefined, required };
}

function range(found: Node | undefined): string {
  const whole = (value: number | undefined) =>
    value === undefined || !Number.isSafeInteger(value) || Math.abs(value) === Number.MAX_SAFE_INTEGER
      ? undefined
      : value;
  const [least, most] = [whole(found?.minimum), whole(found?.maximum)];
  if (least === undefined && most === undefined) return "";
  if (most === undefined) return ` from ${least}`;
  return least === undefined ? ` to ${most}` : ` ${least} to ${most}`;
}

function defaultOf(found: Node | undefined): string | undefined {
  if (found === undefined || !("default" in found)) return undefined;
  const { default: value } = found;
  if (Array.isArray(value)) return value.length === 0 ? "none" : `\`${value.join(", ")}\``;
  if (typeof value === "string") return value === "" ? "empty" : `\`${value}\``;
  return typeof value === "number" || typeof value === "boolean" ? `\`${value.toString()}\`` : undefined;
}

if (require.main === module) {
  void configurationText().then((text) => {
    writeFileSync(configurationPage, text);
    process.stdout.write(`${configurationPage}\n`);
  });
}
