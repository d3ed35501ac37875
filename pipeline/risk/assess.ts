import { loadParser } from "../prisma/plan.js";
import { applyChange } from "./applyChange.js";
import type { Change } from "./change.js";
import { changesOf } from "./changes/index.js";
import { ignoreFor, ignoresOf } from "./ignore.js";
import { lockedBy } from "./lockedBy.js";
import { type FileContext, RuleContext } from "./ruleContext.js";
import { rules } from "./rules/index.js";
import { SchemaState, type Table } from "./schemaState.js";
import { type ParsedStatement, statementsOf } from "./statements.js";
import { type FileRisk, type MigrationSource, type RiskFinding, type RiskOptions, type Tier, tiers } from "./types.js";
import { walk } from "./walk.js";

/** A statement with what it does. */
interface Step {
  readonly statement: ParsedStatement;
  readonly changes: readonly Change[];
}

/**
 * Judges migrations by what is in them and before them. Nothing is run and no database is asked: what is known of one comes in
 * `options.facts`.
 *
 * @param migrations the whole history in the order in which it is applied (see `RiskOptions.wholeHistory`)
 * @param assess names of those to report on; the others are only followed
 * @returns one entry for each name in `assess`, in the history's order
 */
export async function assessMigrations(
  migrations: readonly MigrationSource[],
  assess: ReadonlySet<string>,
  options: RiskOptions,
): Promise<FileRisk[]> {
  await loadParser();
  const state = new SchemaState(options.defaultSchema ?? "public", options.wholeHistory ?? true);
  const found: FileRisk[] = [];
  let remaining = migrations.filter(({ name }) => assess.has(name)).length;
  for (const migration of migrations) {
    if (remaining === 0) break;
    state.migration += 1;
    const steps = stepsOf(migration);
    if (assess.has(migration.name)) {
      remaining -= 1;
      if (found.length === 0) nameForFacts(state);
      found.push(assessOne(migration, steps, state, options));
    } else {
      for (const { changes } of steps) for (const change of changes) applyChange(state, change);
    }
    state.endSession();
  }
  return found;
}

/** What was read of a migration, for as long as its caller keeps it: several files may be judged after one history. */
const read = new WeakMap<MigrationSource, readonly Step[]>();

function stepsOf(migration: MigrationSource): readonly Step[] {
  const known = read.get(migration);
  if (known !== undefined) return known;
  const steps = statementsOf(migration.sql).map((statement) => ({ statement, changes: changesOf(statement) }));
  read.set(migration, steps);
  return steps;
}

/** The database's facts are under the names that tables have before the first assessed migration. */
function nameForFacts(state: SchemaState): void {
  for (const [key, table] of state.tables) table.factsKey = key;
}

function assessOne(
  migration: MigrationSource,
  steps: readonly Step[],
  state: SchemaState,
  options: RiskOptions,
): FileRisk {
  const file: FileContext = {
    changes: steps.flatMap(({ changes }) => changes),
    statements: steps.length,
    noTransaction: /^\s*--\s*no-transaction\b/im.test(migration.sql),
    texts: textsOf(steps),
    droppedKeys: new Map(),
    locked: new Set(),
  };
  const context: RuleContext = new RuleContext(state, options, file, (changes) =>
    changes.flatMap((change) => judge(change, context).flatMap(({ finding }) => finding.effects)),
  );
  const findings: RiskFinding[] = [];
  const unknowns = new Set<string>();
  for (const { statement, changes } of steps) {
    for (const change of changes) {
      for (const found of judge(change, context)) {
        for (const unknown of found.unknowns) unknowns.add(unknown);
        findings.push({ ...found.finding, line: statement.line });
      }
      rememberDroppedKey(change, context);
      for (const table of lockedBy(change, context)) context.file.locked.add(table);
      applyChange(state, change);
    }
  }
  const answered = withIgnores(merge(findings), migration.sql);
  return {
    file: migration.path,
    tier: highest(answered.filter(({ ignored }) => ignored === undefined).map(({ tier }) => tier)),
    effects: [...new Set(answered.flatMap(({ effects }) => effects))],
    findings: answered,
    unknowns: [...unknowns],
  };
}

/** String constants of the statements that may use a new value of an enum. */
function textsOf(steps: readonly Step[]): ReadonlySet<string> {
  const texts = new Set<string>();
  // Only a file that adds a value is asked for them.
  if (!steps.some(({ changes }) => changes.some(({ kind }) => kind === "addEnumValue"))) return texts;
  for (const { statement } of steps) {
    if (statement.node === undefined || "CreateEnumStmt" in statement.node) continue;
    walk([statement.node], (kind, { sval }) => {
      if (kind === "A_Const" && typeof sval === "object" && sval !== null && "sval" in sval)
        texts.add(String(sval.sval));
    });
  }
  return texts;
}

/** Prisma drops the foreign key before its column; the link is remembered for the rules that look at the column. */
function rememberDroppedKey(change: Change, context: RuleContext): void {
  if (change.kind !== "dropConstraint") return;
  const table = context.knownTable(change.table);
  const key = table?.constraints.get(change.constraint);
  if (table === undefined || key?.kind !== "foreign" || key.references === undefined) return;
  const { droppedKeys } = context.file;
  const columns = droppedKeys.get(table) ?? new Map<string, Table>();
  for (const column of key.columns) columns.set(column, key.references);
  droppedKeys.set(table, columns);
}

type Unplaced = Omit<RiskFinding, "line" | "ignored">;

function judge(change: Change, context: RuleContext): { finding: Unplaced; unknowns: readonly string[] }[] {
  const ofNewTable = concernsNewTable(change, context);
  return rules.flatMap((rule) => {
    if (!rule.on.has(change.kind) || (ofNewTable && !rule.beyondTable)) return [];
    return rule.match(change, context).map((match) => {
      const { message, tier = rule.tier, effects = rule.effects, safer = rule.safer, unknowns = [] } = match;
      return { finding: { rule: rule.id, tier, message, safer, effects }, unknowns };
    });
  });
}

/** What a statement does to a table that the same migration made is no risk: nobody else has seen it yet. */
function concernsNewTable(change: Change, context: RuleContext): boolean {
  if (!("table" in change) || change.table === undefined) return false;
  return context.isNewTable(context.state.table(change.table));
}

export function highest(found: readonly Tier[]): Tier {
  return found.reduce<Tier>((high, tier) => (tiers.indexOf(tier) > tiers.indexOf(high) ? tier : high), "safe");
}

/** The same thing said twice of one statement is said once. */
function merge(findings: readonly RiskFinding[]): RiskFinding[] {
  const seen = new Map<string, RiskFinding>();
  for (const finding of findings) {
    const key = `${finding.rule}\n${finding.line}\n${finding.message}`;
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()];
}

function withIgnores(findings: readonly RiskFinding[], sql: string): RiskFinding[] {
  const ignores = ignoresOf(sql);
  if (ignores.size === 0) return [...findings];
  const lines = sql.split("\n");
  return findings.map((finding) => {
    const ignore = ignoreFor(ignores, lines, finding.line, finding.rule);
    return ignore === undefined ? finding : { ...finding, ignored: { reason: ignore.reason } };
  });
}
