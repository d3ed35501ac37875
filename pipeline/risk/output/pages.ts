import { rules } from "../rules/index.js";
import type { RuleText } from "../rule.js";
import { type Effect, type Tier, tiers } from "../types.js";

const signs: Readonly<Record<Tier, string>> = { safe: "🟢", risky: "🟡", dangerous: "🔴" };

/** What an effect's word means, for the pages. */
export const effectTexts: Readonly<Record<Effect, string>> = {
  rewrite: "PostgreSQL writes the table anew; nobody reads or writes it meanwhile",
  drop: "a table or a column that was there is dropped",
  scan: "every row is read, or an index built, while a lock is held",
  lock: "a lock that keeps writers, or readers too, waiting is held for longer than an instant",
  loss: "values are lost or changed",
  breaks: "the application that is running does not work with the schema after it",
  fails: "it may fail, depending on the data or on what depends on it",
  irreversible: "SQL alone cannot undo it",
  opaque: "it cannot be seen what it does",
};

/** The pages of `docs/risks/`, by the name of the file. */
export function rulePages(): ReadonlyMap<string, string> {
  const pages = new Map(rules.map((rule) => [`${rule.id}.md`, page(rule)]));
  return pages.set("README.md", index());
}

const made = "<!-- Made from the rule by `npm run docs:risks`; change pipeline/risk/rules/ and run it again. -->";

function page(rule: RuleText): string {
  return `${made}

# ${rule.title}

\`${rule.id}\` · ${signs[rule.tier]} ${rule.tier} where nothing more is known

## What happens

${rule.reason}

${rule.effects.map((effect) => `- **${effect}**: ${effectTexts[effect]}`).join("\n")}

## The safer way

${rule.safer}

## Where it ends

${rule.boundary}

## Example

\`\`\`sql
${rule.example}
\`\`\`

## Holds for

PostgreSQL versions: ${rule.versions}. Source: ${rule.source} (*RISKS*: row of the table of risks this project started from; *seed*: the migration plan).

Where it is meant and known, a comment on the line above the statement answers for it: \`-- risk-ignore: ${rule.id} WHY\`. See [all rules](README.md) and [the gate](../gate.md).
`;
}

function index(): string {
  const section = (tier: Tier) => {
    const own = rules.filter((rule) => rule.tier === tier);
    const rows = own.map(({ id, title, effects }) => `| [${id}](${id}.md) | ${title} | ${effects.join(", ")} |`);
    return `## ${signs[tier]} ${tier}\n\n| rule | what | effects |\n| --- | --- | --- |\n${rows.join("\n")}`;
  };
  const effects = Object.entries(effectTexts).map(([effect, text]) => `- **${effect}**: ${text}`);
  return `${made}

# Risks of a schema change

What \`npm run risk\`, the preview and \`preflight\` find in a migration, from PostgreSQL's own parse tree and the migrations before it. A file is as risky as the worst of its statements. The tier of a rule is the one where nothing more is known: its page says what lowers and raises it. What a statement does to a table that the same migration made is no risk. What only blocks (a plain index, say) is a matter of size: safe below \`risk.largeTableBytes\`, risky above; without a database it is safe, and the answer says that the size is not known.

${tiers
  .filter((tier) => rules.some((rule) => rule.tier === tier))
  .toReversed()
  .map(section)
  .join("\n\n")}

## Effects

${effects.join("\n")}

## More

- [The gate](../gate.md): what lets a migration above safe through.
- [Beside squawk](squawk.md): what it finds and this does not, and why.
`;
}
