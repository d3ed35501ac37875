import type { Change, ChangeOf } from "../change.js";
import { type Name, show } from "../names.js";
import type { SchemaState } from "../schemaState.js";
import type { Clause } from "./clauses.js";
import { type Successor, copiesOf, obstacle, restoreOld, sync } from "./columns.js";
import { quote, requiring } from "./constraints.js";
import { isTakenOverAlone, mentions } from "./entangled.js";
import { type Piece, type Staged, declaring, staged } from "./piece.js";

/** Prisma's way of changing an enum: a new type beside, every column moved over to it by its text, the names swapped. */
export interface EnumSwap {
  /** The type under its own name. */
  readonly type: Name;
  /** The new one, until it takes the name. */
  readonly fresh: Name;
  readonly values: readonly string[];
  readonly oldValues: readonly string[];
  readonly columns: readonly SwappedColumn[];
  /** All of them are the swap; {@link createEnum} is the first. */
  readonly clauses: ReadonlySet<Change>;
  readonly createEnum: Change;
}

interface SwappedColumn {
  readonly table: Name;
  readonly column: string;
  /** As SQL sets it; undefined: it has none. */
  readonly defaultSql: string | undefined;
}

/** The enum swaps among the clauses of a migration, each that can be made in steps. */
export function enumSwapsIn(state: SchemaState, clauses: readonly Clause[]): EnumSwap[] {
  const found = clauses.flatMap(({ change }) =>
    change.kind === "createEnum" ? (swapOf(state, clauses, change) ?? []) : [],
  );
  return found.filter(
    ({ clauses: own, columns, type, fresh }) =>
      columns.every(({ table, column }) => isTakenOverAlone(clauses, own, table, [column])) &&
      !clauses.some(({ sql, change }) => !own.has(change) && (mentions(sql, type.name) || mentions(sql, fresh.name))),
  );
}

function swapOf(state: SchemaState, clauses: readonly Clause[], made: ChangeOf<"createEnum">): EnumSwap[] | undefined {
  const changes = clauses.map(({ change }) => change);
  const renames = changes.flatMap((change) => (change.kind === "rename" && change.object === "type" ? [change] : []));
  const last = renames.find(({ from }) => same(from, made.type));
  const away = renames.find(({ from }) => from.name === last?.to);
  const dropped = changes.find(
    (change) => change.kind === "drop" && change.object === "type" && change.name.name === away?.to,
  );
  if (last === undefined || away === undefined || dropped === undefined) return undefined;
  const old = state.type(away.from);
  const moved = changes.flatMap((change) =>
    change.kind === "alterType" && change.type.name === made.type.name ? [change] : [],
  );
  if (old?.kind !== "enum" || moved.length === 0) return undefined;
  const defaults = new Map<ChangeOf<"alterType">, { sql: string | undefined; own: Change[] }>();
  for (const change of moved) defaults.set(change, defaultOf(clauses, change));
  const stands = moved.every((change) => isPlain(state, change));
  if (!stands) return undefined;
  return [
    {
      type: away.from,
      fresh: made.type,
      values: made.values,
      oldValues: [...old.values],
      columns: moved.map((change) => ({
        table: change.table,
        column: change.column,
        defaultSql: defaults.get(change)?.sql,
      })),
      clauses: new Set<Change>([
        ...[made, last, away, dropped],
        ...moved,
        ...[...defaults.values()].flatMap(({ own }) => own),
      ]),
      createEnum: made,
    },
  ];
}

/** Whether the column can be taken over by another: the default is written by the migration itself. */
function isPlain(state: SchemaState, { table, column, type }: ChangeOf<"alterType">): boolean {
  const known = state.table(table);
  const found = known?.columns.get(column);
  if (found?.type === undefined || found.type.array || type.array) return false;
  const had = found.hasDefault;
  found.hasDefault = false;
  const why = obstacle(state, known, column);
  found.hasDefault = had;
  return why === undefined;
}

function defaultOf(clauses: readonly Clause[], { table, column }: ChangeOf<"alterType">) {
  const own = clauses.filter(
    ({ change }) =>
      (change.kind === "dropDefault" || change.kind === "setDefault") &&
      same(change.table, table) &&
      change.column === column,
  );
  const set = own.find(({ change }) => change.kind === "setDefault");
  const text = /\bSET\s+DEFAULT\s+([\s\S]+?);?\s*$/i.exec(set?.sql ?? "")?.[1];
  // A literal without its cast fits both types.
  const sql = text?.replace(/::[\s\S]*$/, "").trim();
  return { sql, own: own.map(({ change }) => change) };
}

function same(left: Name, right: Name): boolean {
  return left.name === right.name;
}

/** The stages of a swap. Values that go are refused to new rows before the old ones are proved to hold none. */
export function swapStages(state: SchemaState, swap: EnumSwap): Staged {
  const removed = swap.oldValues.filter((value) => !swap.values.includes(value));
  const all = swap.columns.map((column) => columnStages(state, swap, column, removed));
  const type = show(swap.type);
  const list = (values: readonly string[]) => values.map(literal).join(", ");
  const gone = `${swap.type.name}_old`;
  const nameOf = (name: string) => quote(name);
  const inSchema = (name: string) => show({ ...swap.type, name });
  const make: Piece = {
    sql: `CREATE TYPE ${show(swap.fresh)} AS ENUM (${list(swap.values)});`,
    down: `DROP TYPE ${show(swap.fresh)};`,
  };
  const names = {
    sql: [
      `ALTER TYPE ${type} RENAME TO ${nameOf(gone)};`,
      `ALTER TYPE ${show(swap.fresh)} RENAME TO ${nameOf(swap.type.name)};`,
      `DROP TYPE ${inSchema(gone)};`,
    ].join("\n"),
    down: [
      `ALTER TYPE ${type} RENAME TO ${nameOf(swap.fresh.name)};`,
      `CREATE TYPE ${type} AS ENUM (${list(swap.oldValues)});`,
    ].join("\n"),
  };
  const together = (stage: "backfill" | "check" | "validate" | "require" | "contract") =>
    all.flatMap((column) => column[stage] ?? []);
  return staged(
    {
      expand: [make, ...all.flatMap(({ expand }) => expand)],
      backfill: together("backfill"),
      ...(together("check").length > 0
        ? { check: together("check"), validate: together("validate"), require: together("require") }
        : {}),
      // Down in reverse: the type first, then the columns of it.
      contract: [...together("contract"), names],
    },
    // The application that runs now may still write what goes.
    { holdFrom: removed.length > 0 ? "check" : "contract" },
  );
}

interface ColumnStages {
  readonly expand: readonly Piece[];
  readonly backfill: readonly Piece[];
  readonly check?: readonly Piece[];
  readonly validate?: readonly Piece[];
  readonly require?: readonly Piece[];
  readonly contract: readonly Piece[];
}

function columnStages(
  state: SchemaState,
  swap: EnumSwap,
  { table, column, defaultSql }: SwappedColumn,
  removed: readonly string[],
): ColumnStages {
  const known = state.table(table);
  const into = show(table);
  const fresh = `${column}_new`;
  const successor: Successor = {
    ...{ table, label: table.name, old: column, fresh, type: show(swap.fresh), oldType: show(swap.type) },
    required: known?.columns.get(column)?.notNull === true,
  };
  const cast = (from: string) => `${from}::text::${successor.type}`;
  const filled = (from: string) =>
    removed.length === 0
      ? cast(from)
      : `CASE WHEN ${from}::text NOT IN (${removed.map(literal).join(", ")}) THEN ${cast(from)} END`;
  const link = sync(successor, `  NEW.${quote(fresh)} := ${filled(`NEW.${quote(column)}`)};`);
  const copies = known === undefined ? undefined : copiesOf(known, successor);
  const required = successor.required ? requiring(into, fresh, table.name) : undefined;
  const values = removed.length === 0 ? undefined : refusal(successor, removed);
  const proved = [values, required].filter((piece) => piece !== undefined);
  const setDefault = (value: string | undefined) =>
    value === undefined ? [] : [`ALTER TABLE ${into} ALTER COLUMN ${quote(column)} SET DEFAULT ${value};`];
  const defaultBefore = known?.columns.get(column)?.defaultText;
  const rename = (from: string, to: string) => `ALTER TABLE ${into} RENAME COLUMN ${quote(from)} TO ${quote(to)};`;
  return {
    expand: [
      {
        sql: [`ALTER TABLE ${into} ADD COLUMN ${quote(fresh)} ${successor.type};`, ...link.make].join("\n"),
        down: [...link.drop, `ALTER TABLE ${into} DROP COLUMN ${quote(fresh)};`].join("\n"),
      },
      ...(copies?.make ?? []),
    ],
    backfill: [
      {
        fills: { table, column: fresh },
        sql: `${declaring("changes", into, quote(fresh))}\nUPDATE ${into} SET ${quote(fresh)} = ${filled(quote(column))} WHERE ${quote(fresh)} IS DISTINCT FROM ${filled(quote(column))};`,
        down: "-- The new column goes with the migration that made it.",
      },
    ],
    ...(proved.length === 0
      ? {}
      : { check: proved.map(({ check }) => check), validate: proved.map(({ validate }) => validate) }),
    ...(required === undefined ? {} : { require: [required.require] }),
    contract: [
      {
        sql: [
          ...link.drop,
          declaring("drops", into, quote(column)),
          `ALTER TABLE ${into} DROP COLUMN ${quote(column)};`,
          rename(fresh, column),
          ...(copies?.swap ?? []),
          ...setDefault(defaultSql),
        ].join("\n"),
        down: [
          ...(copies?.back ?? []),
          ...(defaultSql === undefined ? [] : [`ALTER TABLE ${into} ALTER COLUMN ${quote(column)} DROP DEFAULT;`]),
          rename(column, fresh),
          ...restoreOld(successor, `::text::${successor.oldType}`),
          ...setDefault(defaultBefore === undefined ? undefined : literal(defaultBefore)),
          ...(copies?.again ?? []),
          ...(values === undefined ? [] : [values.check.sql, values.validate.sql]),
          ...link.make,
        ].join("\n"),
      },
    ],
  };
}

/** Refuses the values that go: to new rows at once, and then proved of the old ones. It goes with its column. */
function refusal({ table, old }: Successor, removed: readonly string[]): { check: Piece; validate: Piece } {
  const into = show(table);
  const name = quote(`${table.name}_${old}_values`);
  const add = `ALTER TABLE ${into} ADD CONSTRAINT ${name} CHECK (${quote(old)}::text NOT IN (${removed.map(literal).join(", ")})) NOT VALID;`;
  const drop = `ALTER TABLE ${into} DROP CONSTRAINT ${name};`;
  return {
    check: { sql: add, down: drop },
    validate: { sql: `ALTER TABLE ${into} VALIDATE CONSTRAINT ${name};`, down: `${drop}\n${add}` },
  };
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
