import type pg from "pg";
import { loadParser, planScript } from "../../pipeline/prisma/plan.js";
import type { MigrationSource } from "../../pipeline/risk/types.js";
import { messageOf } from "../../pipeline/errors.js";

/** What PostgreSQL really did to tables and columns that were there before a migration. */
export interface Observed {
  readonly name: string;
  /** Of the file as Prisma applies it, on what the files before it made. */
  readonly applied: boolean;
  /** Why not, where it is not applied. */
  readonly problem?: string;
  /** Tables that were written anew. */
  readonly rewrote: readonly string[];
  /** Tables, and columns as `table.column`, that were dropped. */
  readonly dropped: readonly string[];
  /** Tables that were read from end to end by a transaction that kept writers, or readers too, away from them. */
  readonly scanned: readonly string[];
  /** Tables that were locked against writers, or readers too, with the mode; for an instant or for long. */
  readonly locked: readonly string[];
}

/** Rows are notes of the event triggers; a rolled back migration leaves none. */
const setUp = `
CREATE SCHEMA risk_oracle;
CREATE TABLE risk_oracle.before_columns (relid oid, attnum int);
CREATE TABLE risk_oracle.events (kind text, object text);
CREATE TABLE risk_oracle.scans (relid oid, scans bigint);
CREATE FUNCTION risk_oracle.on_rewrite() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (SELECT FROM risk_oracle.before_columns WHERE relid = pg_event_trigger_table_rewrite_oid()) THEN
    INSERT INTO risk_oracle.events VALUES ('rewrite', pg_event_trigger_table_rewrite_oid()::regclass::text);
  END IF;
END $$;
CREATE FUNCTION risk_oracle.on_drop() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO risk_oracle.events
  SELECT 'drop', dropped.object_identity FROM pg_event_trigger_dropped_objects() AS dropped
  WHERE (dropped.object_type = 'table'
         AND EXISTS (SELECT FROM risk_oracle.before_columns b WHERE b.relid = dropped.objid))
     OR (dropped.object_type = 'table column'
         AND EXISTS (SELECT FROM risk_oracle.before_columns b WHERE b.relid = dropped.objid AND b.attnum = dropped.objsubid));
END $$;
CREATE EVENT TRIGGER risk_oracle_rewrite ON table_rewrite EXECUTE FUNCTION risk_oracle.on_rewrite();
CREATE EVENT TRIGGER risk_oracle_drop ON sql_drop EXECUTE FUNCTION risk_oracle.on_drop();`;

/** Columns that are there, and number 0 for each table, since a table may have none. */
const snapshot = `
TRUNCATE risk_oracle.before_columns, risk_oracle.events;
INSERT INTO risk_oracle.before_columns
SELECT c.oid, a.attnum FROM pg_catalog.pg_class c
CROSS JOIN LATERAL (SELECT 0 AS attnum UNION ALL SELECT attnum FROM pg_catalog.pg_attribute
                    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a
WHERE c.relkind IN ('r', 'p') AND c.relnamespace <> 'risk_oracle'::regnamespace AND c.oid >= 16384`;

/** The statistics are those since they were last sent, which is never within a transaction. */
const noteScans = `
TRUNCATE risk_oracle.scans;
INSERT INTO risk_oracle.scans
SELECT relid, pg_catalog.pg_stat_get_xact_numscans(relid) FROM risk_oracle.before_columns WHERE attnum = 0`;

/** What the transaction that is still open has locked against writers, and which of it it has read from end to end. */
const noteLocks = `
INSERT INTO risk_oracle.events
SELECT k.kind, k.object FROM pg_catalog.pg_locks l
JOIN risk_oracle.before_columns b ON b.relid = l.relation AND b.attnum = 0
JOIN pg_catalog.pg_class c ON c.oid = l.relation
CROSS JOIN LATERAL (
  SELECT 'lock' AS kind, c.oid::regclass::text || ' ' || l.mode AS object
  UNION ALL SELECT 'scan', c.oid::regclass::text FROM risk_oracle.scans s
  WHERE s.relid = c.oid AND pg_catalog.pg_stat_get_xact_numscans(c.oid) > s.scans) k
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
  AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`;

/**
 * Replays migrations in order on an empty database and notes what event triggers, `pg_locks` and the transaction's statistics see.
 * A migration that fails is rolled back and left out; those after it go on without it. Locks and scans are not known of what
 * cannot run in one transaction.
 *
 * @param client a superuser's connection to an empty database; what it leaves there is thrown away with the database
 */
export async function observe(client: pg.Client, migrations: readonly MigrationSource[]): Promise<Observed[]> {
  await loadParser();
  await client.query(setUp);
  const observed: Observed[] = [];
  for (const migration of migrations) observed.push(await observeOne(client, migration));
  return observed;
}

/**
 * A foreign key is checked by a join. Of a table without statistics the planner may read the referenced one whole where it would
 * look into its index; so only that is left to it.
 */
const joinByIndex = "SET enable_hashjoin = off; SET enable_mergejoin = off";

async function observeOne(client: pg.Client, { name, sql }: MigrationSource): Promise<Observed> {
  await client.query(snapshot);
  await client.query(joinByIndex);
  const problem = await apply(client, sql);
  // A migration may leave settings behind; each runs in a session of its own.
  await client.query("ROLLBACK");
  await client.query("DISCARD ALL");
  if (problem !== undefined) {
    return { name, applied: false, problem, rewrote: [], dropped: [], scanned: [], locked: [] };
  }
  const { rows } = await client.query<{ kind: string; object: string }>(
    "SELECT DISTINCT kind, object FROM risk_oracle.events ORDER BY object",
  );
  const of = (wanted: string) => rows.filter(({ kind }) => kind === wanted).map(({ object }) => object);
  return {
    name,
    applied: true,
    rewrote: of("rewrite"),
    dropped: of("drop"),
    scanned: of("scan"),
    locked: of("lock"),
  };
}

/** The message of the error, if there was one. */
async function apply(client: pg.Client, sql: string): Promise<string | undefined> {
  const plan = planScript(sql);
  try {
    if (plan.kind === "transaction") {
      await client.query("BEGIN");
      await client.query(noteScans);
      await client.query(plan.script);
      await client.query(noteLocks);
      await client.query("COMMIT");
    } else if (plan.kind === "own-transaction") await client.query(sql);
    else {
      const statements = plan.kind === "alone" ? [plan.statement] : plan.statements;
      for (const { text } of statements) await client.query(text);
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
