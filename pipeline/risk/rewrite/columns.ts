import { type ColumnType, showType } from "../columnType.js";
import type { ChangeOf } from "../change.js";
import { type Name, show } from "../names.js";
import type { SchemaState, Table } from "../schemaState.js";
import { quote, requiring } from "./constraints.js";
import { type Piece, type Staged, declaring, staged } from "./piece.js";

/** A column that takes over from another: under a new name, or with a new type. */
export interface Successor {
  readonly table: Name;
  readonly label: string;
  readonly old: string;
  readonly fresh: string;
  /** As SQL writes it. */
  readonly type: string;
  readonly oldType: string;
  readonly required: boolean;
}

/** Why a column cannot be taken over by another in this way. */
export function obstacle(state: SchemaState, known: Table | undefined, column: string): string | undefined {
  const found = known?.columns.get(column);
  if (known === undefined || found?.type === undefined) return `the history does not tell the type of "${column}"`;
  if (found.generated !== undefined) return `"${column}" is a generated column`;
  if (found.hasDefault) return `"${column}" has a default, whose text the history does not keep`;
  if (state.viewsOn(known, column).length > 0) return `a view reads "${column}"`;
  const constraint = [...known.constraints.values()].find(({ columns }) => columns.includes(column));
  if (constraint !== undefined) return `constraint "${constraint.name}" is over "${column}"`;
  const foreign =
    state.referencing(known).length > 0 &&
    [...known.indexes.values()].some((index) => index.unique && index.columns.includes(column));
  if (foreign) return `other tables may refer to "${column}"`;
  const index = [...known.indexes.values()].find(({ columns, plain }) => columns.includes(column) && !plain);
  return index === undefined ? undefined : `index "${index.name}" over "${column}" is more than a list of columns`;
}

/** RENAME COLUMN, or Prisma's DROP and ADD that stands for one: the new column beside, kept equal by a trigger. */
export function renameColumn(state: SchemaState, table: Name, from: string, to: string, indexes: boolean): Staged {
  const known = state.table(table);
  const column = known?.columns.get(from);
  const type = column?.type === undefined ? "" : writeType(column.type);
  const successor: Successor = {
    table,
    label: table.name,
    old: from,
    fresh: to,
    type,
    oldType: type,
    required: column?.notNull === true,
  };
  const all = known === undefined ? noCopies : copiesOf(known, successor);
  // Prisma's DROP lets them go, and its own CREATE INDEX makes what is wanted.
  const copies = indexes ? all : { ...noCopies, again: all.again };
  const sync = bothWays(successor);
  return staged(
    {
      ...common(successor, sync, copies.make),
      contract: {
        sql: [
          ...sync.drop,
          declaring("drops", show(table), quote(from)),
          `ALTER TABLE ${show(table)} DROP COLUMN ${quote(from)};`,
          ...copies.swap,
        ].join("\n"),
        down: [...copies.back, ...restoreOld(successor), ...copies.again, ...sync.make].join("\n"),
      },
    },
    { holdFrom: "contract" },
  );
}

/** ALTER COLUMN TYPE: a column of the new type beside, filled by a trigger and a cast, which takes the name in the end. */
export function changeType(state: SchemaState, { table, column, type }: ChangeOf<"alterType">): Staged {
  const known = state.table(table);
  const found = known?.columns.get(column);
  const oldType = found?.type === undefined ? "" : writeType(found.type);
  const fresh = `${column}_new`;
  const successor: Successor = {
    table,
    label: table.name,
    old: column,
    fresh,
    type: writeType(type),
    oldType,
    required: found?.notNull === true,
  };
  const copies = known === undefined ? noCopies : copiesOf(known, successor);
  const sync = oneWay(successor);
  const rename = (from: string, to: string) =>
    `ALTER TABLE ${show(table)} RENAME COLUMN ${quote(from)} TO ${quote(to)};`;
  return staged(
    {
      ...common(successor, sync, copies.make),
      contract: {
        sql: [
          ...sync.drop,
          declaring("drops", show(table), quote(column)),
          `ALTER TABLE ${show(table)} DROP COLUMN ${quote(column)};`,
          rename(fresh, column),
          ...copies.swap,
        ].join("\n"),
        down: [...copies.back, rename(column, fresh), ...restoreOld(successor), ...copies.again, ...sync.make].join(
          "\n",
        ),
      },
    },
    { holdFrom: "contract" },
  );
}

function common(successor: Successor, sync: Sync, indexes: readonly Piece[]): Parameters<typeof staged>[0] {
  const { table, old, fresh, type, label, required } = successor;
  const into = show(table);
  const from = type === successor.oldType ? quote(old) : `${quote(old)}::${type}`;
  return {
    expand: [
      {
        sql: [`ALTER TABLE ${into} ADD COLUMN ${quote(fresh)} ${type};`, ...sync.make].join("\n"),
        down: [...sync.drop, `ALTER TABLE ${into} DROP COLUMN ${quote(fresh)};`].join("\n"),
      },
      ...indexes,
    ],
    backfill: {
      fills: { table, column: fresh },
      sql: `${declaring("changes", into, quote(fresh))}\nUPDATE ${into} SET ${quote(fresh)} = ${from} WHERE ${quote(fresh)} IS DISTINCT FROM ${from};`,
      down: "-- The new column goes with the migration that made it.",
    },
    ...(required ? requiring(into, fresh, label) : {}),
  };
}

const noCopies: ReturnType<typeof copiesOf> = { make: [], swap: [], back: [], again: [] };

export interface Sync {
  readonly make: readonly string[];
  readonly drop: readonly string[];
}

/** Whoever writes the one column writes the other too, so that old and new application run side by side. */
function bothWays(successor: Successor): Sync {
  const [old, fresh] = [quote(successor.old), quote(successor.fresh)];
  return sync(
    successor,
    `  IF TG_OP = 'INSERT' THEN
    IF NEW.${fresh} IS NOT NULL THEN NEW.${old} := NEW.${fresh}; ELSE NEW.${fresh} := NEW.${old}; END IF;
  ELSIF NEW.${fresh} IS DISTINCT FROM OLD.${fresh} THEN NEW.${old} := NEW.${fresh};
  ELSE NEW.${fresh} := NEW.${old};
  END IF;`,
  );
}

function oneWay(successor: Successor): Sync {
  const { old, fresh, type } = successor;
  return sync(successor, `  NEW.${quote(fresh)} := NEW.${quote(old)}::${type};`);
}

export function sync({ table, label, old, fresh }: Successor, body: string): Sync {
  const name = quote(`${label}_${old}_${fresh}_sync`);
  const routine = table.schema === undefined ? name : `${quote(table.schema)}.${name}`;
  return {
    make: [
      `CREATE FUNCTION ${routine}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n${body}\n  RETURN NEW;\nEND $$;`,
      `CREATE TRIGGER ${name} BEFORE INSERT OR UPDATE ON ${show(table)} FOR EACH ROW EXECUTE FUNCTION ${routine}();`,
    ],
    drop: [`DROP TRIGGER ${name} ON ${show(table)};`, `DROP FUNCTION ${routine}();`],
  };
}

export function restoreOld(
  { table, old, fresh, oldType, type, required }: Successor,
  /** What casts a value of the new type to the old one. */
  cast = type === oldType ? "" : `::${oldType}`,
): string[] {
  const into = show(table);
  return [
    `ALTER TABLE ${into} ADD COLUMN ${quote(old)} ${oldType};`,
    // Fills the column as an UPDATE would, without the triggers of the table, which may change more.
    `ALTER TABLE ${into} ALTER COLUMN ${quote(old)} TYPE ${oldType} USING ${quote(fresh)}${cast};`,
    ...(required ? [`ALTER TABLE ${into} ALTER COLUMN ${quote(old)} SET NOT NULL;`] : []),
  ];
}

/** The indexes over the old column, again over the new one; they take the names when the old ones have gone with their column. */
export function copiesOf(known: Table, { table, old, fresh }: Successor) {
  const over = [...known.indexes.values()].filter(({ columns, keys }) => columns.includes(old) && keys !== undefined);
  const inSchema = (name: string) =>
    table.schema === undefined ? quote(name) : `${quote(table.schema)}.${quote(name)}`;
  const copy = (name: string) => `${name}_new`;
  const list = (keys: readonly string[], instead: string) =>
    keys.map((key) => quote(key === old ? instead : key)).join(", ");
  const create = (unique: boolean, name: string, keys: readonly string[], column: string, how = "") =>
    `CREATE ${unique ? "UNIQUE " : ""}INDEX ${how}${quote(name)} ON ${show(table)} (${list(keys, column)});`;
  return {
    make: over.map(({ name, unique, keys = [] }): Piece => ({
      sql: create(unique, copy(name), keys, fresh, "CONCURRENTLY "),
      down: `DROP INDEX CONCURRENTLY IF EXISTS ${inSchema(copy(name))};`,
      alone: true,
    })),
    swap: over.map(({ name }) => `ALTER INDEX ${inSchema(copy(name))} RENAME TO ${quote(name)};`),
    back: over.map(({ name }) => `ALTER INDEX ${inSchema(name)} RENAME TO ${quote(copy(name))};`),
    again: over.map(({ name, unique, keys = [] }) => create(unique, name, keys, old)),
  };
}

const written: Readonly<Record<string, string>> = { bpchar: "char" };

/** A type as SQL takes it: PostgreSQL's own by its bare name, another one in quotes. */
export function writeType(type: ColumnType): string {
  const own = type.schema === undefined && /^[a-z][a-z0-9_]*$/.test(type.name);
  const base = showType({ ...type, array: false, modifiers: [] });
  const name = own
    ? (written[type.name] ?? base)
    : `${type.schema === undefined ? "" : `${quote(type.schema)}.`}${quote(type.name)}`;
  const modifiers = type.modifiers.length > 0 ? `(${type.modifiers.join(", ")})` : "";
  // The precision of a time stands before its zone.
  return `${name}${modifiers}${type.array ? "[]" : ""}`;
}
