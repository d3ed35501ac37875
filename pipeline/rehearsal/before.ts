import pg from "pg";
import { z } from "zod";
import { type Column, columnText } from "../postgres/columnImage.js";
import { listColumns } from "../postgres/fingerprintCatalogue.js";
import type { TableShape } from "./shape.js";

/** What is kept of a table as it was before a migration, to be compared with what is there after it. */
export interface KeptTable {
  readonly shape: TableShape;
  readonly rows: number;
  /** Rows in which a column is not NULL, by the column's number. */
  readonly values: ReadonlyMap<number, number>;
  /** The columns as they were, by number; the temporary table has them as text, `c<number>`. */
  readonly columns: ReadonlyMap<number, Column>;
  /** Name of the temporary table of the session that keeps it. */
  readonly copy: string;
}

const counts = z.tuple([z.record(z.string(), z.coerce.number())]);

/**
 * Copies a table's rows, each value as its output function writes it, into a temporary table: no other session sees it, and
 * no type that the migration drops is in its way.
 */
export async function keepTable(client: pg.ClientBase, shape: TableShape): Promise<KeptTable> {
  const named = (await listColumns(client, [shape.oid])).get(shape.oid) ?? [];
  const columns = new Map(
    shape.columns.flatMap(({ number, name }) => {
      const column = named.find((candidate) => candidate.name === name);
      return column === undefined ? [] : [[number, column] as const];
    }),
  );
  const copy = `before_${shape.oid}`;
  const images = [...columns].map(([number, column]) => `(${columnText(column)}) COLLATE "C" AS c${number}`);
  await client.query(`DROP TABLE IF EXISTS pg_temp.${copy}`);
  await client.query(`CREATE TEMPORARY TABLE ${copy} AS SELECT ${images.join(", ")} FROM ONLY ${sqlName(shape)} AS t`);
  await client.query(`ANALYZE pg_temp.${copy}`);
  const wanted = ["count(*) AS rows", ...[...columns.keys()].map((number) => `count(c${number}) AS c${number}`)];
  const { rows } = await client.query(`SELECT ${wanted.join(", ")} FROM pg_temp.${copy}`);
  const [found] = counts.parse(rows);
  const values = new Map([...columns.keys()].map((number) => [number, found[`c${number}`] ?? 0]));
  return { shape, rows: found["rows"] ?? 0, values, columns, copy };
}

export async function forgetTable(client: pg.ClientBase, { copy }: KeptTable): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS pg_temp.${copy}`);
}

export function sqlName({ schema, name }: Pick<TableShape, "schema" | "name">): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}
