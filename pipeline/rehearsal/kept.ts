import type pg from "pg";
import { type KeptTable, forgetTable, keepTable } from "./before.js";
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

/** What became of tables that were kept; they are kept no longer. */
export async function compareKept(
  client: pg.ClientBase,
  kept: readonly KeptTable[],
  now: Shapes,
): Promise<{ readonly kept: KeptTable; readonly seen: Observed[] }[]> {
  const compared = [];
  for (const table of kept) {
    compared.push({ kept: table, seen: await compareTable(client, table, now) });
    await forgetTable(client, table);
  }
  return compared;
}
