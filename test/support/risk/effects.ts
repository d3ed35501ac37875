import type pg from "pg";
import { z } from "zod";
import { messageOf } from "../../../pipeline/errors.js";

/** What a migration really did to what was there, and to an application that goes on as before. */
export interface Effects {
  /** PostgreSQL's reason, where it refused; nothing else is known then. */
  readonly refused?: string;
  /** Tables that have another file: written anew, or emptied. */
  readonly rewritten: readonly string[];
  /** Tables, and columns as `table.column`, that are gone. */
  readonly dropped: readonly string[];
  /** Tables of which rows that were there are gone or have other values. */
  readonly lost: readonly string[];
  /** Tables that were read from end to end while nobody could write to them, or read them. */
  readonly blocked: readonly string[];
  /** Tables of which rows are locked to the end. */
  readonly lockedRows: readonly string[];
  /** What the application does that has another end now. */
  readonly changed: readonly string[];
}

export function isHarmless({ rewritten, dropped, lost, blocked, lockedRows, changed }: Effects): boolean {
  return [rewritten, dropped, lost, blocked, lockedRows, changed].every((found) => found.length === 0);
}

const names = z.array(z.object({ name: z.string() }));

async function list(client: pg.Client, sql: string): Promise<string[]> {
  return names.parse((await client.query(sql)).rows).map(({ name }) => name);
}

/** Tables and materialized views of the application, those of the cases' own schemas too. */
const there = `c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.oid >= 16384 AND c.relnamespace <> 'seen'::regnamespace`;

/** Names in what is noted are those from before. */
const note = `
CREATE SCHEMA seen;
CREATE TABLE seen.tables AS
  SELECT c.oid AS id, c.oid::regclass::text AS name, pg_relation_filenode(c.oid) AS file,
         coalesce(pg_stat_get_xact_numscans(c.oid), 0) AS scans FROM pg_class c WHERE ${there};
CREATE TABLE seen.columns AS
  SELECT t.id, t.name, a.attnum, a.attname FROM seen.tables t JOIN pg_attribute a ON a.attrelid = t.id AND a.attnum > 0 AND NOT a.attisdropped;
CREATE TABLE seen.parents AS SELECT c.oid AS id FROM pg_class c WHERE c.relkind = 'p';
CREATE TABLE seen.rows (id oid, line jsonb);
DO $$ DECLARE t record; BEGIN
  FOR t IN SELECT * FROM seen.tables LOOP
    EXECUTE format('INSERT INTO seen.rows SELECT %s, to_jsonb(x) FROM ONLY %s x', t.id, t.name);
  END LOOP;
END $$;`;

/** How often a table was read counts to the moment before the cases' own look. */
const scans = `UPDATE seen.tables SET scans = coalesce(pg_stat_get_xact_numscans(id), 0)`;

/** Nobody but REFRESH writes to a materialized view. */
const strong = `SELECT l.relation FROM pg_locks l JOIN pg_class k ON k.oid = l.relation
  WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND (l.mode = 'AccessExclusiveLock'
    OR (k.relkind <> 'm' AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock')))`;

/** A column under another name has its values still. */
const kept = `
CREATE FUNCTION pg_temp.kept(of oid) RETURNS TABLE (line jsonb) LANGUAGE plpgsql AS $$ DECLARE pairs text; BEGIN
  SELECT string_agg(format('%L, x.%I', c.attname, a.attname), ', ') INTO pairs
    FROM seen.columns c JOIN pg_attribute a ON a.attrelid = c.id AND a.attnum = c.attnum AND NOT a.attisdropped WHERE c.id = of;
  RETURN QUERY EXECUTE format('SELECT jsonb_build_object(%s) FROM ONLY %s x', pairs, of::regclass);
END $$`;

const lost = `
SELECT t.name FROM seen.tables t JOIN pg_class c ON c.oid = t.id
WHERE CASE WHEN c.relispopulated
  THEN EXISTS (SELECT line FROM seen.rows r WHERE r.id = t.id EXCEPT ALL SELECT line FROM pg_temp.kept(t.id)) ELSE true END ORDER BY 1`;

async function lostRows(client: pg.Client): Promise<string[]> {
  await client.query(kept);
  return list(client, lost);
}

/** What an application does, each by itself: it ends with rows, or with an error's code. */
async function outcomes(client: pg.Client, probes: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const probe of probes) {
    await client.query("SAVEPOINT probe; SET LOCAL ROLE risk_app");
    try {
      const { rows, rowCount } = await client.query(probe);
      found.push(`${rowCount ?? 0} ${JSON.stringify(rows)}`);
    } catch (error) {
      found.push(z.object({ code: z.string() }).parse(error).code);
    }
    await client.query("ROLLBACK TO probe");
  }
  return found;
}

export interface Tried {
  /** What was applied earlier. */
  readonly before: string;
  readonly sql: string;
  /** Statements of an application, run as the role `risk_app`. */
  readonly probes: readonly string[];
  /** Sets sequences back, which do not roll back. */
  readonly reset: string;
}

/**
 * Applies a migration in a transaction that is rolled back, with what the application does before and after it.
 *
 */
export async function effectsOf(client: pg.Client, { before, sql, probes, reset }: Tried): Promise<Effects> {
  await client.query("BEGIN");
  try {
    await client.query(reset);
    await client.query(before);
    const usual = await outcomes(client, probes);
    await client.query(reset);
    await client.query(note);
    await client.query(scans);
    try {
      await client.query(sql);
    } catch (error) {
      return {
        refused: messageOf(error),
        rewritten: [],
        dropped: [],
        lost: [],
        blocked: [],
        lockedRows: [],
        changed: [],
      };
    }
    const blocked = await list(
      client,
      `SELECT t.name FROM seen.tables t WHERE coalesce(pg_stat_get_xact_numscans(t.id), 0) > t.scans AND t.id IN (${strong}) ORDER BY 1`,
    );
    // The settings and what is temporary are the migration's session's; the application has its own.
    await client.query("RESET ROLE; RESET ALL; DISCARD TEMP");
    const lockedRows = await list(
      client,
      // OFFSET: pgrowlocks refuses what is no table, so those are left out before it is asked.
      `SELECT t.name FROM (SELECT s.* FROM seen.tables s JOIN pg_class c ON c.oid = s.id AND c.relkind = 'r' OFFSET 0) t
       WHERE EXISTS (SELECT FROM tools.pgrowlocks(t.id::regclass::text) l WHERE NOT l.modes <@ ARRAY['For Key Share', 'Key Share']) ORDER BY 1`,
    );
    const rewritten = await list(
      client,
      `SELECT t.name FROM seen.tables t JOIN pg_class c ON c.oid = t.id WHERE pg_relation_filenode(t.id) <> t.file ORDER BY 1`,
    );
    const dropped = await list(
      client,
      `SELECT t.name FROM seen.tables t WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = t.id)
       UNION SELECT c.name || '.' || c.attname FROM seen.columns c JOIN pg_attribute a ON a.attrelid = c.id AND a.attnum = c.attnum AND a.attisdropped ORDER BY 1`,
    );
    const values = dropped.length > 0 ? [] : await lostRows(client);
    const now = await outcomes(client, probes);
    const changed = probes.flatMap((probe, at) =>
      usual[at] === now[at] ? [] : [`${probe}: ${usual[at]} -> ${now[at]}`],
    );
    return { rewritten, dropped, lost: values, blocked, lockedRows, changed };
  } finally {
    await client.query("ROLLBACK");
  }
}
