import type pg from "pg";
import { type KeptTable, forgetTable, keepTable, partsOf, renameCopy, rowsOf } from "./before.js";
import { compareTable } from "./compare.js";
import type { Observed } from "./observed.js";
import type { Shapes, TableShape } from "./shape.js";

/**
 * Keeps tables as they are. A partition is kept with all others of its table, as one: a row that is put into another partition is still
 * there.
 *
 * @param oids of tables that hold rows; others are left out
 * @param alone those that are kept by themselves, too
 */
export async function keepTables(
  client: pg.ClientBase,
  oids: Iterable<number>,
  shapes: Shapes,
  alone: ReadonlySet<number> = new Set(),
): Promise<KeptTable[]> {
  const units = new Map<number, TableShape>();
  for (const oid of oids) {
    const table = shapes.tables.get(oid);
    if (table === undefined) continue;
    const whole = shapes.parted.get(table.partOf.at(-1) ?? 0) ?? table;
    for (const unit of alone.has(oid) ? [whole, table] : [whole]) units.set(unit.oid, unit);
  }
  const kept: KeptTable[] = [];
  for (const unit of units.values()) kept.push(await keepTable(client, unit, shapes));
  return kept;
}

/** Numbers of the tables whose rows are kept. */
export function keptOids(kept: readonly KeptTable[]): number[] {
  return kept.flatMap(({ shape, parts }) => (shape.partedBy === null ? [shape.oid] : parts.map(({ oid }) => oid)));
}

export interface Compared {
  readonly kept: KeptTable;
  readonly seen: Observed[];
}

/** What became of tables that were kept; they are kept no longer. */
export async function compareKept(client: pg.ClientBase, kept: readonly KeptTable[], now: Shapes): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (const table of kept) {
    compared.push({ kept: table, seen: await compareTable(client, table, now) });
    await forgetTable(client, table);
  }
  return compared;
}

/**
 * As {@link compareKept}; those with rows that were not there stay kept, so that a way back can be held against what was there before:
 * the rows that are new are its own to take away.
 *
 * @param mark makes their names different from those of other migrations.
 */
export async function compareAndHold(
  client: pg.ClientBase,
  kept: readonly KeptTable[],
  now: Shapes,
  mark: number,
): Promise<{ readonly compared: Compared[]; readonly grown: KeptTable[] }> {
  const compared: Compared[] = [];
  const grown: KeptTable[] = [];
  for (const table of kept) {
    const seen = await compareTable(client, table, now);
    compared.push({ kept: table, seen });
    const gone = seen.filter(({ effect }) => effect === "deletes").reduce((sum, { rows }) => sum + rows, 0);
    if ((await countNow(client, table, now)) > table.rows - gone) grown.push(await renameCopy(client, table, mark));
    else await forgetTable(client, table);
  }
  return { compared, grown };
}

async function countNow(client: pg.ClientBase, { shape }: KeptTable, now: Shapes): Promise<number> {
  const there = (shape.partedBy === null ? now.tables : now.parted).get(shape.oid);
  if (there === undefined) return 0;
  const { rows } = await client.query<{ rows: number }>(
    `SELECT count(*)::float8 AS rows FROM ${rowsOf(there, partsOf(there, now), [])} AS t`,
  );
  return rows[0]?.rows ?? 0;
}
