import type { TableChange } from "../contracts.js";
import type { TableFingerprint } from "../postgres/fingerprints.js";
import { historyTable } from "../prisma/history.js";

/** What is compared: a table, or all partitions of one as the one that they make. */
interface Whole extends Pick<TableFingerprint, "rows" | "hash" | "columns"> {
  /** `public.orders` */
  readonly table: string;
  /** Made by an extension. */
  readonly extension: boolean;
}

const keyOf = ({ schema, name }: { schema: string; name: string }) => JSON.stringify([schema, name]);

/** The columns that a backup's tables had: a table is compared over those that it still has. */
export function columnsThen(
  then: readonly TableFingerprint[],
): (table: { schema: string; name: string; partOf?: string | null }, column: string) => boolean {
  const columns = new Map(then.map((table) => [keyOf(table), new Set(table.columns)]));
  // A partition that is new has rows that were in another one.
  const ofWhole = new Map(then.map((table) => [table.partOf ?? "", new Set(table.columns)]));
  return (table, column) => (columns.get(keyOf(table)) ?? ofWhole.get(table.partOf ?? "-"))?.has(column) ?? false;
}

/**
 * In what tables differ from what they were in a backup, whoever changed them; without Prisma's history.
 *
 * @param now taken over the columns that {@link columnsThen} lets pass.
 */
export function tableChanges(then: readonly TableFingerprint[], now: readonly TableFingerprint[]): TableChange[] {
  const rest = wholes(now, then);
  const changes: TableChange[] = [];
  for (const [key, whole] of wholes(then, now)) {
    const found = changeOf(whole, rest.get(key));
    rest.delete(key);
    if (found !== undefined) changes.push({ table: whole.table, ...found });
  }
  for (const { table, rows, extension } of rest.values())
    if (rows > 0 && !extension) changes.push({ table, change: "new", message: `is new, with ${rows} rows` });
  return changes;
}

/**
 * Partitions taken together, where both sides know in what table they are: rows add up, and so do their hashes, which are sums over the
 * rows. One that was put into another partition since is where it was.
 */
function wholes(tables: readonly TableFingerprint[], others: readonly TableFingerprint[]): Map<string, Whole> {
  const parted = new Set(others.flatMap(({ partOf }) => partOf ?? []));
  const found = new Map<string, Whole>();
  for (const one of tables) {
    if (one.name === historyTable) continue;
    const { schema, name, rows, hash, columns, partOf } = one;
    const whole = partOf !== undefined && parted.has(partOf);
    const key = whole ? JSON.stringify([partOf]) : keyOf(one);
    const before = found.get(key);
    found.set(key, {
      table: whole ? partOf : `${schema}.${name}`,
      rows: (before?.rows ?? 0) + rows,
      hash: String(BigInt(before?.hash ?? 0) + BigInt(hash)),
      columns,
      extension: one.extension !== undefined,
    });
  }
  return found;
}

function changeOf(then: Whole, now: Whole | undefined): Omit<TableChange, "table"> | undefined {
  if (now === undefined) return { change: "gone", message: `is gone; it had ${then.rows} rows` };
  if (now.rows !== then.rows) {
    const difference = now.rows - then.rows;
    return {
      change: "rows",
      message: `had ${then.rows} rows and has ${now.rows} (${difference > 0 ? `${difference} more` : `${-difference} fewer`})`,
    };
  }
  const gone = then.columns.filter((column) => !now.columns.includes(column));
  if (gone.length > 0) return { change: "columns", message: `has lost the columns ${gone.join(", ")}` };
  return now.hash === then.hash
    ? undefined
    : { change: "values", message: `has other values in its ${then.rows} rows` };
}
