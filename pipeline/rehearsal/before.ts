import pg from "pg";
import { z } from "zod";
import { type Column, columnText } from "../postgres/columnImage.js";
import { listColumns } from "../postgres/fingerprintCatalogue.js";
import type { Shapes, TableShape } from "./shape.js";

/** What is kept of a table as it was before a migration, to be compared with what is there after it. */
export interface KeptTable {
  readonly shape: TableShape;
  /** Of a partitioned table: those that had its rows. */
  readonly parts: readonly TableShape[];
  readonly rows: number;
  /** Rows in which a column is not NULL, by the column's number. */
  readonly values: ReadonlyMap<number, number>;
  /** The columns as they were, by number. */
  readonly columns: ReadonlyMap<number, Column>;
  /** Name of the temporary table of the session that keeps it. */
  readonly copy: string;
  /** SQL of a column's text in the temporary table, which goes by the name of `b`, by the column's number. */
  value(number: number): string;
}

/** From so many columns on they are kept as one array: as many texts do not fit on a page, however short they are. */
const manyColumns = 300;

const counts = z.tuple([z.record(z.string(), z.coerce.number())]);

/**
 * Copies a table's rows, each value as its output function writes it, into a temporary table: no other session sees it, and
 * no type that the migration drops is in its way.
 */
export async function keepTable(client: pg.ClientBase, shape: TableShape, shapes: Shapes): Promise<KeptTable> {
  const named = (await listColumns(client, [shape.oid])).get(shape.oid) ?? [];
  const columns = new Map(
    shape.columns.flatMap(({ number, name }) => {
      const column = named.find((candidate) => candidate.name === name);
      return column === undefined ? [] : [[number, column] as const];
    }),
  );
  const copy = `before_${shape.oid}`;
  const wide = columns.size >= manyColumns;
  const images = [...columns].map(([number, column]) => ({ number, text: `(${columnText(column)}) COLLATE "C"` }));
  const kept = wide
    ? [`ARRAY[${images.map(({ text }) => text).join(", ")}] AS c`]
    : images.map(({ number, text }) => `${text} AS c${number}`);
  const place = new Map(images.map(({ number }, at) => [number, at + 1]));
  const value = (number: number) => (wide ? `(b.c[${place.get(number) ?? 0}] COLLATE "C")` : `b.c${number}`);
  const parts = partsOf(shape, shapes);
  const all = [...(shape.partedBy === null ? [] : ["t.tableoid AS part"]), ...kept].join(", ");
  await client.query(`DROP TABLE IF EXISTS pg_temp.${copy}`);
  await client.query(`CREATE TEMPORARY TABLE ${copy} AS SELECT ${all} FROM ${rowsOf(shape, parts, named)} AS t`);
  await client.query(`ANALYZE pg_temp.${copy}`);
  const wanted = ["count(*) AS rows", ...[...columns.keys()].map((number) => `count(${value(number)}) AS c${number}`)];
  const { rows } = await client.query(`SELECT ${wanted.join(", ")} FROM pg_temp.${copy} b`);
  const [found] = counts.parse(rows);
  const values = new Map([...columns.keys()].map((number) => [number, found[`c${number}`] ?? 0]));
  return { shape, parts, rows: found["rows"] ?? 0, values, columns, copy, value };
}

/** The tables that have the rows of a partitioned table. */
export function partsOf(shape: TableShape, { tables }: Shapes): TableShape[] {
  return shape.partedBy === null ? [] : [...tables.values()].filter(({ partOf }) => partOf.includes(shape.oid));
}

/**
 * What a table's rows are read from, as SQL. Of a partitioned one those of its parts that are tables of this database: a foreign table
 * among them is another's.
 */
export function rowsOf(
  shape: TableShape,
  parts: readonly TableShape[],
  columns: readonly Pick<Column, "name">[],
): string {
  if (shape.condition !== null) return `(SELECT * FROM ONLY ${sqlName(shape)} ${shape.condition})`;
  if (shape.partedBy === null) return `ONLY ${sqlName(shape)}`;
  const names = ["tableoid", ...columns.map(({ name }) => pg.escapeIdentifier(name))].join(", ");
  // Without a part: of the right columns, and no row.
  return `(${[shape, ...parts].map((part) => `SELECT ${names} FROM ONLY ${sqlName(part)}`).join(" UNION ALL ")})`;
}

export async function forgetTable(client: pg.ClientBase, { copy }: KeptTable): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS pg_temp.${copy}`);
}

/** Gives the temporary table another name, so that the table can be kept once more beside it. */
export async function renameCopy(client: pg.ClientBase, kept: KeptTable, mark: number): Promise<KeptTable> {
  const copy = `${kept.copy}_${mark}`;
  await client.query(`ALTER TABLE pg_temp.${kept.copy} RENAME TO ${copy}`);
  return { ...kept, copy };
}

export function sqlName({ schema, name }: Pick<TableShape, "schema" | "name">): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}
