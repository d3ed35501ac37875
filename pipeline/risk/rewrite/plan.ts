import { loadParser } from "../../prisma/plan.js";
import { applyChange } from "../applyChange.js";
import type { Change, ChangeOf } from "../change.js";
import { volatileFunction } from "../defaultValue.js";
import { type Name, show } from "../names.js";
import { SchemaState, type Table } from "../schemaState.js";
import { statementsOf } from "../statements.js";
import { judgeTypeChange } from "../typeChange.js";
import type { MigrationSource } from "../types.js";
import { type Clause, clausesOf } from "./clauses.js";
import { changeType, obstacle, renameColumn } from "./columns.js";
import { addChecked, addUnique, createIndex, isChecked, quote, setNotNull } from "./constraints.js";
import { entangledReason, isTakenOverAlone, staysAsItIs } from "./entangled.js";
import { type EnumSwap, enumSwapsIn, swapStages } from "./enumSwap.js";
import { type ColumnName, aloneLast, columnsOf, droppedLate, needsIndexFirst, standsOn } from "./order.js";
import { newColumnObstacle, requiredColumn, volatileDefault } from "./newColumns.js";
import { type Piece, type Stage, type Staged, postponed, stageNames, stageTexts } from "./piece.js";
import { type Shape, shapeOf } from "./shape.js";
import { declaringTriggers } from "./triggers.js";
import { undoOf } from "./undo.js";

/** One migration of the series. */
export interface SeriesMigration {
  /** `<name of the original>_1_expand`: after the original, and before the next one of the folder. */
  readonly name: string;
  readonly stage: Stage;
  readonly sql: string;
  readonly down: string;
}

export interface Series {
  readonly migrations: readonly SeriesMigration[];
  /** How many of them the application that runs now lives with: those after are for a later release. */
  readonly now: number;
  /** What Prisma sees of the database after each of them, the last being the end. */
  readonly shapes: readonly Shape[];
  /** Statements that are as they were, with why there is no safer way for them, where it is known. */
  readonly kept: readonly string[];
}

/**
 * The safe series for a migration: expand, fill, prove, contract. Its end is the same schema.
 *
 * @param history the migrations before it, in order
 * @returns `undefined` where nothing in it has a safer way that is known here
 */
export async function planSeries(
  history: readonly MigrationSource[],
  original: MigrationSource,
  defaultSchema = "public",
): Promise<Series | undefined> {
  await loadParser();
  const state = stateAfter(history, defaultSchema);
  const statements = statementsOf(original.sql);
  if (statements.some(({ node }) => node === undefined)) return undefined;
  const clauses = statements.flatMap(clausesOf).filter(({ change }) => change.kind !== "transaction");
  const together = { clauses, renames: renamesIn(state, clauses), swaps: enumSwapsIn(state, clauses) };
  const swapped = new Map(together.swaps.map((swap) => [swap.createEnum, swapStages(state, swap)]));
  const kept: string[] = [];
  const stages = new Map<Stage, Piece[]>(stageNames.map((stage) => [stage, []]));
  const holds: Stage[] = [];
  // Columns whose place others take in the end.
  const taken: ColumnName[] = together.swaps.flatMap(({ columns }) => columns);
  const successorOf = (table: Name, column: string) => successor(state, together.renames, table, column);
  const canHoist = !needsIndexFirst(state, clauses);
  let safer = 0;
  for (const clause of clauses) {
    const apart = !canHoist && stages.get("expand")?.some(({ alone }) => alone === true) === true;
    const found = swapped.get(clause.change) ?? rewrite(state, clause, together, apart);
    const rewritten = typeof found !== "string" && standsOn(taken, clause.change) ? postponed(found) : found;
    if (clause.change.kind === "alterType" && typeof found !== "string") taken.push(clause.change);
    const late = rewritten === "" ? droppedLate(state, clause, clauses, successorOf) : undefined;
    applyChange(state, clause.change);
    if (rewritten === "left out") continue;
    if (typeof rewritten !== "string") {
      safer += 1;
      for (const [stage, pieces] of rewritten.stages)
        stages.get(stage)?.push(...pieces.map((piece) => declaringTriggers(state, piece)));
      if (rewritten.holdFrom !== undefined) holds.push(rewritten.holdFrom);
      continue;
    }
    if (late !== undefined) {
      // Before its columns go, which would take it with them.
      stages.get("contract")?.unshift(late);
      continue;
    }
    if (rewritten !== "") kept.push(`${clause.sql.split("\n")[0] ?? ""} ${rewritten}`);
    stages.get("expand")?.push({ sql: clause.sql, down: undoOf(clause.sql, clause.change) });
  }
  if (safer === 0) return undefined;
  if (canHoist) stages.set("expand", aloneLast(stages.get("expand") ?? []));
  const migrations = migrationsOf(original.name, stages);
  const held = Math.min(...holds.map((stage) => stageNames.indexOf(stage)));
  const now = migrations.filter(({ stage }) => stageNames.indexOf(stage) < held).length;
  return { migrations, now, shapes: shapesAfter(history, migrations, defaultSchema), kept };
}

function stateAfter(history: readonly Pick<MigrationSource, "sql">[], defaultSchema: string): SchemaState {
  const state = new SchemaState(defaultSchema, true);
  for (const { sql } of history) apply(state, sql);
  state.migration += 1;
  return state;
}

function apply(state: SchemaState, sql: string): void {
  state.migration += 1;
  for (const statement of statementsOf(sql)) for (const { change } of clausesOf(statement)) applyChange(state, change);
  state.searchPath = [state.defaultSchema];
}

function shapesAfter(
  history: readonly MigrationSource[],
  migrations: readonly SeriesMigration[],
  defaultSchema: string,
): Shape[] {
  const state = stateAfter(history, defaultSchema);
  return migrations.map(({ sql }) => {
    apply(state, sql);
    return shapeOf(state);
  });
}

/** The column that takes over from another of the same table under another name. */
function successor(state: SchemaState, { dropped, renamed }: Renames, table: Name, column: string): string | undefined {
  const key = state.key(table);
  for (const [drop, add] of dropped) {
    if (drop.kind === "dropColumn" && drop.column === column && state.key(drop.table) === key) return add.column.name;
  }
  return renamed.find((change) => change.from === column && state.key(change.table) === key)?.to;
}

/** Columns that a DROP and an ADD of the same table and type stand for, as Prisma writes a renamed field. */
interface Renames {
  readonly dropped: ReadonlyMap<Change, ChangeOf<"addColumn">>;
  readonly added: ReadonlySet<Change>;
  readonly renamed: readonly ChangeOf<"renameColumn">[];
}

function renamesIn(state: SchemaState, clauses: readonly Clause[]): Renames {
  const dropped = new Map<Change, ChangeOf<"addColumn">>();
  const changes = clauses.map(({ change }) => change);
  const drops = changes.flatMap((change) => (change.kind === "dropColumn" ? [change] : []));
  const adds = changes.flatMap((change) => (change.kind === "addColumn" ? [change] : []));
  for (const drop of drops) {
    const key = state.key(drop.table);
    const old = state.table(drop.table)?.columns.get(drop.column);
    if (old?.type === undefined || obstacle(state, state.table(drop.table), drop.column) !== undefined) continue;
    const others = drops.filter(({ table, column }) => {
      const type = state.table(table)?.columns.get(column)?.type;
      return state.key(table) === key && JSON.stringify(type) === JSON.stringify(old.type);
    });
    const candidates = adds.filter(({ table, column, constraints }) => {
      const same = JSON.stringify(column.type) === JSON.stringify(old.type) && column.notNull === old.notNull;
      const plain = constraints.length === 0 && column.defaultValue === undefined && !column.serial && !column.identity;
      return state.key(table) === key && same && plain && column.generated === undefined && column.name !== drop.column;
    });
    const [add] = candidates;
    if (others.length !== 1 || candidates.length !== 1 || add === undefined) continue;
    const names = [drop.column, add.column.name];
    if (isTakenOverAlone(clauses, new Set<Change>([drop, add]), drop.table, names)) dropped.set(drop, add);
  }
  const renamed = changes.flatMap((change) => (change.kind === "renameColumn" ? [change] : []));
  return { dropped, added: new Set(dropped.values()), renamed };
}

/** What of the migration a statement has to be seen with. */
interface Together {
  readonly clauses: readonly Clause[];
  readonly renames: Renames;
  readonly swaps: readonly EnumSwap[];
}

/**
 * @param apart something before it is in a file of its own, so that what follows is another migration than what came first
 * @returns the stages; or why it is kept as it is (empty: nothing to say); or that another clause stands for it
 */
function rewrite(
  state: SchemaState,
  { sql, change }: Clause,
  { clauses, renames, swaps }: Together,
  apart: boolean,
): Staged | string {
  if (renames.added.has(change) || swaps.some(({ clauses }) => clauses.has(change))) return "left out";
  const table = "table" in change && change.table !== undefined ? state.table(change.table) : undefined;
  // A table that this migration makes is new only as long as it is one transaction.
  if (table?.madeBy === state.migration && !(apart && change.kind === "addConstraint")) return "";
  if (change.kind === "renameColumn") {
    const why = obstacle(state, table, change.from);
    if (!isTakenOverAlone(clauses, new Set([change]), change.table, [change.from, change.to])) return entangledReason;
    return why === undefined ? renameColumn(state, change.table, change.from, change.to, true) : `is kept: ${why}`;
  }
  if (change.kind === "dropColumn") {
    const add = renames.dropped.get(change);
    return add === undefined ? "" : renameColumn(state, change.table, change.column, add.column.name, false);
  }
  if (change.kind === "addColumn") {
    const alone = { table: change.table, names: [change.column.name], whole: true };
    const found = newColumn(state, change, sql);
    return typeof found === "string" || staysAsItIs(clauses, change, alone) ? found : entangledReason;
  }
  if (change.kind === "alterType") {
    const found = typeStages(state, change, sql);
    const alone = isTakenOverAlone(clauses, new Set([change]), change.table, [change.column]);
    return typeof found === "string" || alone ? found : entangledReason;
  }
  const found = inPlace({ sql, change }, table);
  const names = columnsOf(change);
  if (typeof found === "string" || !("table" in change) || change.table === undefined) return found;
  return staysAsItIs(clauses, change, { table: change.table, names, whole: false }) ? found : entangledReason;
}

/** What is made over columns that stay as they are. */
function inPlace({ sql, change }: Clause, table: Table | undefined): Staged | string {
  if (change.kind === "setNotNull") {
    return table?.columns.get(change.column)?.notNull === true ? "" : setNotNull(change.table, change.column);
  }
  if (change.kind === "createIndex") {
    return change.concurrently ? "" : (createIndex(sql, change) ?? "is kept: the index has no name");
  }
  if (change.kind !== "addConstraint") return "";
  if (isChecked(change.constraint)) return addChecked(sql, change) ?? "is kept: the constraint has no name";
  if (change.constraint.kind !== "unique" || change.constraint.usingIndex !== undefined) return "";
  return addUnique(change) ?? "is kept: the constraint has no name";
}

function newColumn(state: SchemaState, change: ChangeOf<"addColumn">, sql: string): Staged | string {
  const { column } = change;
  const isVolatile = volatileFunction(state, column.defaultValue) !== undefined;
  if (!isVolatile && !(column.notNull && column.defaultValue === undefined)) return "";
  const why = newColumnObstacle(sql, change);
  if (why !== undefined) return `is kept: ${why}`;
  if (!isVolatile) return requiredColumn(change);
  return volatileDefault(sql, change) ?? "is kept: its default cannot be written apart";
}

function typeStages(state: SchemaState, change: ChangeOf<"alterType">, sql: string): Staged | string {
  const table = state.table(change.table);
  const judged = judgeTypeChange(state, change, table?.columns.get(change.column));
  if (judged.outcome === "same" && !judged.rewrites) return "";
  if (judged.outcome !== "converts" || judged.enumSwap !== undefined) {
    return `is kept: values of ${show(change.table)}.${quote(change.column)} may not fit, so decide about them first`;
  }
  const plain =
    change.collation === undefined && (change.using === undefined || /USING\s*\(?\s*"?\w+"?\s*::/i.test(sql));
  if (!plain) return "is kept: it converts by an expression";
  const why = obstacle(state, table, change.column);
  return why === undefined ? changeType(state, change) : `is kept: ${why}`;
}

function migrationsOf(original: string, stages: ReadonlyMap<Stage, readonly Piece[]>): SeriesMigration[] {
  const made: { stage: Stage; pieces: Piece[] }[] = [];
  for (const stage of stageNames) {
    let open: Piece[] | undefined;
    for (const piece of stages.get(stage) ?? []) {
      if (piece.alone === true) {
        made.push({ stage, pieces: [piece] });
        open = undefined;
      } else if (open === undefined) {
        open = [piece];
        made.push({ stage, pieces: open });
      } else open.push(piece);
    }
  }
  const width = String(made.length).length;
  return made.map(({ stage, pieces }, at) => {
    const number = String(at + 1).padStart(width, "0");
    const head = `-- Step ${at + 1} of ${made.length} of the safe series for ${original}.\n-- ${stageTexts[stage]}\n`;
    return {
      name: `${original}_${number}_${stage}`,
      stage,
      sql: `${head}${pieces.map(({ sql }) => sql).join("\n\n")}\n`,
      down: `-- Undoes step ${at + 1} of ${made.length}.\n${pieces
        .toReversed()
        .map(({ down }) => down)
        .join("\n")}\n`,
    };
  });
}
