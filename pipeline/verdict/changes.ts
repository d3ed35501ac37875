import type { TableChange } from "../contracts.js";
import type { TableFingerprint } from "../postgres/fingerprints.js";
import { historyTable } from "../prisma/history.js";

const keyOf = ({ schema, name }: { schema: string; name: string }) => JSON.stringify([schema, name]);

/** The columns that a backup's tables had: a table is compared over those that it still has. */
export function columnsThen(
  then: readonly TableFingerprint[],
): (table: { schema: string; name: string }, column: string) => boolean {
  const columns = new Map(then.map((table) => [keyOf(table), new Set(table.columns)]));
  return (table, column) => columns.get(keyOf(table))?.has(column) ?? false;
}

/**
 * In what tables differ from what they were in a backup, whoever changed them; without Prisma's history.
 *
 * @param now taken over the columns that {@link columnsThen} lets pass.
 */
export function tableChanges(then: readonly TableFingerprint[], now: readonly TableFingerprint[]): TableChange[] {
  const rest = new Map(now.map((table) => [keyOf(table), table]));
  const changes: TableChange[] = [];
  for (const table of then) {
    const other = rest.get(keyOf(table));
    rest.delete(keyOf(table));
    const found = table.name === historyTable ? undefined : changeOf(table, other);
    if (found !== undefined) changes.push({ table: `${table.schema}.${table.name}`, ...found });
  }
  for (const { schema, name, rows } of rest.values())
    if (name !== historyTable && rows > 0)
      changes.push({ table: `${schema}.${name}`, change: "new", message: `is new, with ${rows} rows` });
  return changes;
}

function changeOf(then: TableFingerprint, now: TableFingerprint | undefined): Omit<TableChange, "table"> | undefined {
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
