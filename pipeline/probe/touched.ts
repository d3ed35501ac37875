import pg from "pg";
import { z } from "zod";
import { type PerKind, perKind } from "../gate/perKind.js";
import type { Change, ConstraintSpec, ObjectKind } from "../risk/change.js";
import { changesOf } from "../risk/changes/index.js";
import type { Name } from "../risk/names.js";
import { statementsOf } from "../risk/statements.js";

/** What a migration names that is locked while it runs. */
export interface Touched {
  readonly tables: readonly Name[];
  /** Indexes and views named without their tables. */
  readonly others: readonly Name[];
  /** Something cannot be seen into: any table may be touched. */
  readonly anything: boolean;
}

/** The tables that a migration locks, as far as its text tells. `loadParser` must have been awaited before. */
export function touchedBy(sql: string): Touched {
  const changes = statementsOf(sql).flatMap((statement) => changesOf(statement));
  const all = changes.flatMap((change) => (change.kind === "opaque" ? [change, ...change.inner] : [change]));
  return {
    tables: all.flatMap(tablesOf),
    others: all.flatMap(othersOf),
    anything: all.some(({ kind }) => kind === "opaque" || kind === "callsFunctions"),
  };
}

function tablesOf(change: Change): Name[] {
  const own = "table" in change && change.table !== undefined ? [change.table] : [];
  return perKind(special, change) ?? own;
}

const referenced = (constraints: readonly ConstraintSpec[]): Name[] =>
  constraints.flatMap(({ references }) => references ?? []);
const tableOnly = ({ object, from }: { readonly object: ObjectKind; readonly from: Name }): Name[] =>
  object === "table" ? [from] : [];

/** Changes that touch other tables than the one that they name. */
const special: PerKind<Name[]> = {
  // Its own table is nobody's yet.
  createTable: ({ constraints, partitionOf }) => [...referenced(constraints), ...(partitionOf ? [partitionOf] : [])],
  addColumn: ({ table, constraints }) => [table, ...referenced(constraints)],
  addConstraint: ({ table, constraint }) => [table, ...referenced([constraint])],
  attachPartition: ({ table, partition }) => [table, partition],
  detachPartition: ({ table, partition }) => [table, partition],
  rename: tableOnly,
  setSchema: tableOnly,
  drop: ({ object, name, table }) => (object === "table" ? [name] : table ? [table] : []),
};

function othersOf(change: Change): Name[] {
  if (change.kind === "drop" && change.object === "index") return [change.name];
  if (change.kind === "rename" && change.object === "index") return [change.from];
  if (change.kind === "reindex") return [change.name];
  return change.kind === "refreshView" ? [change.view] : [];
}

/** A table that is there, under the name by which SQL finds it. */
export interface FoundTable {
  readonly schema: string;
  readonly name: string;
  /** Qualified and quoted. */
  readonly sql: string;
}

const foundRows = z.array(z.strictObject({ schema: z.string(), name: z.string() }));

/**
 * The touched tables that are there and may be looked into, the biggest first: what the migration itself makes is nobody's yet.
 * Where anything may be touched, the biggest of all.
 */
export async function findTouched(
  client: pg.ClientBase,
  { tables, others, anything }: Touched,
  most: number,
): Promise<FoundTable[]> {
  const sql = ({ schema, name }: Name) =>
    [schema, name].flatMap((part) => (part === undefined ? [] : [pg.escapeIdentifier(part)])).join(".");
  const named = [...new Set([...tables, ...others].map(sql))];
  const { rows } = await client.query(
    `WITH named AS (SELECT to_regclass(name)::oid AS oid FROM unnest($1::text[]) name),
          touched AS (SELECT oid FROM named UNION SELECT indrelid FROM pg_index WHERE indexrelid IN (SELECT oid FROM named))
     SELECT n.nspname AS schema, c.relname AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'm') AND c.relname <> '_prisma_migrations'
        AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND (c.oid IN (SELECT oid FROM touched) OR $2 AND c.relkind <> 'm' AND NOT c.relispartition)
        AND has_table_privilege(c.oid, 'SELECT')
      ORDER BY c.oid IN (SELECT oid FROM touched) DESC, c.relpages DESC, 1, 2 LIMIT $3`,
    [named, anything, most],
  );
  return foundRows.parse(rows).map(({ schema, name }) => ({ schema, name, sql: sql({ schema, name }) }));
}
