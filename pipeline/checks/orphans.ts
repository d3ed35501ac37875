import pg from "pg";
import type { Finding } from "../contracts.js";
import type { Relation } from "../prisma/schema.js";

const name = (identifier: string) => pg.escapeIdentifier(identifier);

/** A condition: the row of the relation's table under an alias (not `p`) points at no row; one with a null part points nowhere by right. */
export function isOrphan(relation: Relation, alias = "c"): string {
  const present = relation.columns.map((column) => `${alias}.${name(column)} IS NOT NULL`).join(" AND ");
  const equal = relation.columns
    .map((column, at) => `p.${name(relation.referencedColumns[at] ?? "")} = ${alias}.${name(column)}`)
    .join(" AND ");
  const parent = `${name(relation.referencedSchema)}.${name(relation.referencedTable)}`;
  return `${present} AND NOT EXISTS (SELECT 1 FROM ${parent} p WHERE ${equal})`;
}

/** Counts the rows whose reference points at no row, up to `limit`. */
function orphanQuery(relation: Relation, limit: number): string {
  return (
    `SELECT count(*)::int AS orphans FROM (SELECT 1 FROM ${name(relation.schema)}.${name(relation.table)} c ` +
    `WHERE ${isOrphan(relation)} LIMIT ${limit}) o`
  );
}

/** Beyond this many orphans of one relation the rest is not counted. */
const limit = 100_000;

/**
 * Rows that point at nothing, for every relation of the Prisma schema: also where the database has no foreign key
 * (`relationMode = "prisma"`), and where it has one that was switched off for a while.
 */
export async function findOrphans(client: pg.Client, relations: readonly Relation[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const relation of relations) {
    const { rows } = await client.query<{ orphans: number }>(orphanQuery(relation, limit));
    const orphans = rows[0]?.orphans ?? 0;
    if (orphans === 0) continue;
    findings.push(describeOrphans(relation, orphans));
  }
  return findings;
}

function describeOrphans(relation: Relation, orphans: number): Finding {
  const columns = relation.columns.join(", ");
  return {
    check: "orphans",
    severity: "error",
    message:
      `${relation.schema}.${relation.table} (${columns}): ${orphans === limit ? "at least " : ""}${orphans} ` +
      `row(s) point at no row of ${relation.referencedSchema}.${relation.referencedTable}`,
    remedy: "Look at those rows; give them a parent, or set the reference to null where it may be.",
  };
}
