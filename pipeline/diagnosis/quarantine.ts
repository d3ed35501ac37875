import pg from "pg";
import { z } from "zod";
import type { RepairStep } from "../contracts.js";

/** The schema that rows are moved to. Prisma does not look at it, so it is no drift. */
const quarantineSchema = "safe_migration_quarantine";

const tableName = z.strictObject({ schema: z.string(), name: z.string() });
export type TableName = z.infer<typeof tableName>;

const referenceRow = z.strictObject({
  from: tableName,
  columns: z.array(z.string()),
  to: tableName,
  referenced: z.array(z.string()),
  /** What becomes of the row that refers: `keep` (or the deletion is refused), `delete`, `clear` (its columns are set to null or default). */
  onDelete: z.enum(["keep", "delete", "clear"]),
  /** Columns of the primary key of the table that refers; empty where it has none. */
  key: z.array(z.string()),
});
/** A foreign key of the database. */
export type Reference = z.infer<typeof referenceRow>;

const id = (name: string) => pg.escapeIdentifier(name);
const sql = ({ schema, name }: TableName) => `${id(schema)}.${id(name)}`;
const dotted = ({ schema, name }: TableName) => `${schema}.${name}`;
const same = (a: TableName, b: TableName) => a.schema === b.schema && a.name === b.name;

/** Every foreign key: what refers to a row goes, or is changed, with it. */
export async function readReferences(client: pg.Client): Promise<Reference[]> {
  const columns = (relation: string, numbers: string) =>
    `(SELECT json_agg(a.attname ORDER BY k.at) FROM unnest(${numbers}) WITH ORDINALITY k (n, at)
        JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.n)`;
  const { rows } = await client.query(
    `SELECT json_build_object('schema', fn.nspname, 'name', f.relname) AS from,
            json_build_object('schema', tn.nspname, 'name', t.relname) AS to,
            ${columns("c.conrelid", "c.conkey")} AS columns, ${columns("c.confrelid", "c.confkey")} AS referenced,
            coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_index i JOIN pg_attribute a
                        ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                       WHERE i.indrelid = c.conrelid AND i.indisprimary), '[]'::json) AS key,
            CASE c.confdeltype WHEN 'c' THEN 'delete' WHEN 'n' THEN 'clear' WHEN 'd' THEN 'clear' ELSE 'keep' END AS "onDelete"
       FROM pg_constraint c
       JOIN pg_class f ON f.oid = c.conrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
       JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
      WHERE c.contype = 'f' AND c.conparentid = 0 ORDER BY fn.nspname, f.relname, c.conname`,
  );
  return z.array(referenceRow).parse(rows);
}

/** A condition on the row under an alias. */
export type Condition = (alias: string) => string;

/** What a step of the quarantine does with the rows: those that a foreign key would only clear stay, and are copied before. */
interface Move {
  readonly table: TableName;
  readonly condition: Condition;
  readonly how: "move" | "copy";
  /** By which columns a copied row is found again, and which of its columns are cleared. */
  readonly restore?: Pick<Reference, "key" | "columns">;
  readonly why: string;
}

/**
 * Moves rows out of a table into one of their own, of the same columns and types, with those that refer to them: deleting a
 * row alone would take along, by ON DELETE CASCADE, what refers to it. What ON DELETE SET NULL would clear stays, and is copied as
 * it was. Nothing is deleted that was not written elsewhere in the same transaction.
 *
 * @param batch begins the names of the new tables; letters, digits and _.
 * @returns `undefined` where tables refer to one another in a circle.
 */
export function planQuarantine(
  table: TableName,
  condition: Condition,
  reason: string,
  references: readonly Reference[],
  batch: string,
): RepairStep | undefined {
  const moves = orderMoves({ table, condition, how: "move", why: reason }, references, []);
  if (moves === undefined) return undefined;
  const done = moves.map((move, at) => carryOut(move, { schema: quarantineSchema, name: `${batch}_${at + 1}` }));
  const moved = [...new Set(moves.filter(({ how }) => how === "move").map((move) => dotted(move.table)))];
  return {
    what: `move rows of ${moved.join(", ")} to tables of ${quarantineSchema}`,
    mode: "transaction",
    statements: [`CREATE SCHEMA IF NOT EXISTS ${quarantineSchema}`, ...done.flatMap(({ statements }) => statements)],
    undo: done
      .map(({ back }) => back)
      .reverse()
      .join(" "),
  };
}

function carryOut(
  { table, condition, how, why, restore }: Move,
  target: TableName,
): { statements: string[]; back: string } {
  const rows = `${sql(table)} r WHERE ${condition("r")}`;
  const back =
    how === "move"
      ? `INSERT INTO ${sql(table)} OVERRIDING SYSTEM VALUE SELECT * FROM ${sql(target)};`
      : setAgain(table, target, restore);
  const done = how === "move" ? "moved here" : "copied here as they were";
  const note = `Rows of ${dotted(table)}, ${done} by db:repair: ${why}. To put them back, once what they point at is there: ${back}`;
  return {
    back,
    statements: [
      // Without the table's constraints and indexes: what is moved did not hold to them.
      `CREATE TABLE ${sql(target)} (LIKE ${sql(table)})`,
      how === "move"
        ? `WITH moved AS (DELETE FROM ${rows} RETURNING r.*) INSERT INTO ${sql(target)} SELECT * FROM moved`
        : `INSERT INTO ${sql(target)} SELECT r.* FROM ${rows}`,
      `COMMENT ON TABLE ${sql(target)} IS ${pg.escapeLiteral(note)}`,
    ],
  };
}

/** Gives rows that lost their reference what it was. */
function setAgain(
  table: TableName,
  copy: TableName,
  { key, columns }: Pick<Reference, "key" | "columns"> = { key: [], columns: [] },
): string {
  if (key.length === 0)
    return `/* ${sql(copy)} has rows of ${sql(table)} as they were before their reference was cleared */`;
  const values = columns.map((column) => `${id(column)} = q.${id(column)}`).join(", ");
  const found = key.map((column) => `r.${id(column)} = q.${id(column)}`).join(" AND ");
  return `UPDATE ${sql(table)} r SET ${values} FROM ${sql(copy)} q WHERE ${found};`;
}

/** Those that refer to rows before the rows themselves. */
function orderMoves(move: Move, references: readonly Reference[], path: readonly TableName[]): Move[] | undefined {
  const { table, condition } = move;
  if (path.some((earlier) => same(earlier, table))) return undefined;
  const moves: Move[] = [];
  for (const { from, columns, to, referenced, onDelete, key } of references) {
    if (!same(to, table)) continue;
    const parent = `r${path.length + 1}`;
    const refers: Condition = (alias) => {
      const equal = columns.map((column, at) => `${alias}.${id(column)} = ${parent}.${id(referenced[at] ?? column)}`);
      return `EXISTS (SELECT FROM ${sql(table)} ${parent} WHERE ${[...equal, condition(parent)].join(" AND ")})`;
    };
    const why = `they refer to rows that were moved from ${dotted(table)}`;
    if (onDelete === "clear") {
      moves.push({ table: from, condition: refers, how: "copy", why, restore: { key, columns } });
      continue;
    }
    const below = orderMoves({ table: from, condition: refers, how: "move", why }, references, [...path, table]);
    if (below === undefined) return undefined;
    moves.push(...below);
  }
  return [...moves, move];
}

/** How far a table is from those that refer to none: what is far goes first, so that it is not changed by what goes after it. */
export function depthOf(table: TableName, references: readonly Reference[], path: readonly TableName[] = []): number {
  if (path.some((earlier) => same(earlier, table))) return 0;
  const above = references.filter(({ from }) => same(from, table));
  return Math.max(0, ...above.map(({ to }) => 1 + depthOf(to, references, [...path, table])));
}
