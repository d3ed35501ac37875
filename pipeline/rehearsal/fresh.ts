import type { Fingerprints } from "../postgres/fingerprints.js";
import { historyTable } from "../prisma/history.js";
import type { PrismaSchema } from "../prisma/schema.js";

/**
 * Whether there is nothing in a database that could be lost: no row but in Prisma's own table, no large object, no sequence that
 * has handed out a number.
 */
export function holdsNothing(
  { tables, largeObjects, sequences }: Pick<Fingerprints, "tables" | "largeObjects" | "sequences">,
  { defaultSchema }: Pick<PrismaSchema, "defaultSchema">,
): boolean {
  const own = tables.filter(
    ({ schema, name, extension }) => extension === undefined && (schema !== defaultSchema || name !== historyTable),
  );
  return own.every(({ rows }) => rows === 0) && largeObjects.count === 0 && sequences.every(({ called }) => !called);
}
