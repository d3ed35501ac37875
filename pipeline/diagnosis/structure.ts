import pg from "pg";
import { describeUnvalidatedConstraint, findSequencesBehind, listUnvalidatedConstraints } from "../checks/catalogue.js";
import { describeInvalidIndex, listInvalidIndexes } from "../checks/invalidIndexes.js";
import { findOrphans, isOrphan } from "../checks/orphans.js";
import type { PrismaSchema, Relation } from "../prisma/schema.js";
import type { Found } from "./found.js";
import { depthOf, planQuarantine, readReferences } from "./quarantine.js";

/** Indexes that are not used, and what builds them again. */
export async function lookAtIndexes(client: pg.Client): Promise<Found[]> {
  return (await listInvalidIndexes(client)).map((row) => {
    const { index, exclusion, halfOf, builder } = row;
    const finding = describeInvalidIndex(row);
    if (builder !== null) return finding;
    const half = halfOf !== null;
    const statement = half
      ? `DROP INDEX CONCURRENTLY IF EXISTS ${index}`
      : `REINDEX INDEX ${exclusion ? "" : "CONCURRENTLY "}${index}`;
    return {
      ...finding,
      repair: {
        what: half ? `drop ${index}, half of a REINDEX of ${halfOf} that failed` : `build ${index} again`,
        mode: exclusion && !half ? "transaction" : "alone",
        statements: [statement],
      },
    };
  });
}

/** Constraints that hold for new rows only. */
export async function lookAtConstraints(client: pg.Client): Promise<Found[]> {
  return (await listUnvalidatedConstraints(client)).map((row) => {
    const { constraint, on } = row;
    return {
      ...describeUnvalidatedConstraint(row),
      repair: {
        what: `check every row of ${on} against ${constraint}`,
        mode: "transaction",
        statements: [`ALTER TABLE ${on} VALIDATE CONSTRAINT ${constraint}`],
      },
    };
  });
}

/** Sequences that would hand out a value that is taken. */
export async function lookAtSequences(client: pg.Client): Promise<Found[]> {
  return (await findSequencesBehind(client)).map((finding) => ({
    ...finding,
    repair: {
      what: "set the sequence to the highest value that is there",
      mode: "transaction",
      statements: [finding.remedy.replace(/;$/, "")],
    },
  }));
}

/**
 * Rows that point at nothing, for every relation of the Prisma schema.
 *
 * @param batch names the quarantine that the rows would be moved to.
 */
export async function lookAtOrphans(client: pg.Client, schema: PrismaSchema, batch: string): Promise<Found[]> {
  const references = await readReferences(client);
  const depth = ({ schema: of, table }: Relation) => depthOf({ schema: of, name: table }, references);
  const there = (await onlyThere(client, schema.relations)).sort((a, b) => depth(b) - depth(a));
  const found: Found[] = [];
  for (const relation of there) {
    const [finding] = await findOrphans(client, [relation]);
    if (finding === undefined) continue;
    const plan = planQuarantine(
      { schema: relation.schema, name: relation.table },
      (alias) => isOrphan(relation, alias),
      finding.message,
      references,
      `${batch}_${found.length + 1}`,
    );
    found.push(
      plan === undefined
        ? { ...finding, remedy: `${finding.remedy} (They are not moved by db:repair: rows refer to them in a circle.)` }
        : { ...finding, repair: plan },
    );
  }
  return found;
}

/** Relations whose tables and columns are there: those of pending migrations are not yet. */
async function onlyThere(client: pg.Client, relations: readonly Relation[]): Promise<Relation[]> {
  const { rows } = await client.query<{ column: string }>(
    `SELECT n.nspname || '.' || c.relname || '.' || a.attname AS column
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')`,
  );
  const known = new Set(rows.map(({ column }) => column));
  return relations.filter(
    ({ schema, table, columns, referencedSchema, referencedTable, referencedColumns }) =>
      columns.every((column) => known.has(`${schema}.${table}.${column}`)) &&
      referencedColumns.every((column) => known.has(`${referencedSchema}.${referencedTable}.${column}`)),
  );
}
