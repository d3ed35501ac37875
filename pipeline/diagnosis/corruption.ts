import pg from "pg";
import { z } from "zod";
import type { StageContext } from "../context.js";
import type { Database } from "../contracts.js";
import { messageOf } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { sqlState, withClient } from "../postgres/connection.js";
import { notOfExtension, ownSchema } from "../postgres/fingerprintCatalogue.js";
import type { Found } from "./found.js";

const target = z.strictObject({ oid: z.string(), name: z.string(), on: z.string(), kind: z.enum(["table", "index"]) });
type Target = z.infer<typeof target>;

/**
 * Reads every table and B-tree index with `amcheck`, PostgreSQL's own checker: the functions that `pg_amcheck` calls, too. The
 * extension, where it is not there, is made in a transaction that is rolled back, so that it is not left behind.
 */
export async function lookForCorruption(
  database: Database,
  environment: string,
  { log, signal }: StageContext,
): Promise<Found[]> {
  const options = {
    applicationName: "safe-migration diagnose",
    settings: { statement_timeout: "0", lock_timeout: "5s", idle_in_transaction_session_timeout: "0" },
  };
  return withClient(database, options, async (client) => {
    await client.query("BEGIN");
    const schema = await makeAvailable(client);
    if (typeof schema !== "string") return [schema];
    const targets = await listTargets(client);
    const found: Found[] = [];
    for (const [at, one] of targets.entries()) {
      signal.throwIfAborted();
      log.progress(`reading ${one.kind} ${one.name}`, at / Math.max(1, targets.length));
      const wrong = await checkOne(client, schema, one, environment);
      if (wrong !== undefined) found.push(wrong);
    }
    await client.query("ROLLBACK");
    return found;
  });
}

/** The quoted schema of amcheck's functions, or that they cannot be had. */
async function makeAvailable(client: pg.Client): Promise<string | Found> {
  const where = `SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'`;
  const { rows } = await client.query<{ schema: string }>(where);
  if (rows[0] !== undefined) return rows[0].schema;
  try {
    await client.query("SAVEPOINT extension");
    await client.query("CREATE EXTENSION amcheck");
    return (await client.query<{ schema: string }>(where)).rows[0]?.schema ?? "public";
  } catch (error) {
    return {
      check: "corruption-not-looked-for",
      severity: "warning",
      message: `tables and indexes were not read for corruption: amcheck cannot be used (${messageOf(error)})`,
      remedy:
        "Install PostgreSQL's contrib package on the server, and run this as a role that may make the extension amcheck (a superuser; on RDS rds_superuser).",
    };
  }
}

async function listTargets(client: pg.Client): Promise<Target[]> {
  const { rows } = await client.query(
    `SELECT c.oid::text AS oid, c.oid::regclass::text AS name, c.oid::regclass::text AS on, 'table' AS kind, 0 AS turn
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND ${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}
     UNION ALL
     SELECT c.oid::text, c.oid::regclass::text, i.indrelid::regclass::text, 'index', 1
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_am m ON m.oid = c.relam
      WHERE m.amname = 'btree' AND c.relkind = 'i' AND i.indisvalid AND i.indisready AND c.relpersistence <> 't' AND ${ownSchema("n")}
      ORDER BY turn, 2`,
  );
  return rows.map(({ oid, name, on, kind }: Record<string, unknown>) => target.parse({ oid, name, on, kind }));
}

async function checkOne(
  client: pg.Client,
  schema: string,
  { oid, name, on, kind }: Target,
  environment: string,
): Promise<Found | undefined> {
  await client.query("SAVEPOINT one");
  try {
    if (kind === "index") {
      // With `heapallindexed`: also that every row of the table is in it.
      await client.query(`SELECT ${schema}.bt_index_check($1::oid::regclass, true)`, [oid]);
    } else {
      const { rows } = await client.query<{ blkno: string; msg: string; all: number }>(
        `SELECT blkno::text, msg, count(*) OVER ()::int AS all FROM ${schema}.verify_heapam($1::oid::regclass) LIMIT 3`,
        [oid],
      );
      const [first] = rows;
      if (first !== undefined)
        return corruptTable(name, `${first.all} place(s), e.g. block ${first.blkno}: ${first.msg}`, environment);
    }
    await client.query("RELEASE SAVEPOINT one");
    return undefined;
  } catch (error) {
    await client.query("ROLLBACK TO SAVEPOINT one");
    const state = sqlState(error) ?? "";
    // 42883: before PostgreSQL 14 amcheck reads indexes only; 0A000, 55P03: not of a kind that it reads, or locked.
    if (state === "42883" && kind === "table") return undefined;
    if (state === "55P03" || state === "0A000" || state === "42809") {
      return {
        check: "corruption-not-looked-for",
        severity: "warning",
        message: `${kind} ${name} was not read for corruption: ${messageOf(error)}`,
        remedy: "Run this again when nobody holds it.",
      };
    }
    if (!state.startsWith("XX") && state !== "22P03" && state !== "58P01" && state !== "58030") throw error;
    return kind === "index"
      ? corruptIndex(name, on, messageOf(error))
      : corruptTable(name, messageOf(error), environment);
  }
}

function corruptIndex(index: string, on: string, reason: string): Found {
  return {
    check: "corrupt-index",
    severity: "error",
    message: `index ${index} on ${on} is corrupt: ${reason}`,
    remedy: `REINDEX INDEX CONCURRENTLY ${index}; the rows themselves are in the table.`,
    repair: {
      what: `build ${index} again from the rows of ${on}`,
      mode: "alone",
      statements: [`REINDEX INDEX CONCURRENTLY ${index}`],
    },
  };
}

function corruptTable(table: string, reason: string, environment: string): Found {
  return {
    check: "corrupt-table",
    severity: "error",
    message: `table ${table} is corrupt: ${reason}`,
    remedy: `Rows are damaged: restore (${npmRun(environment, "db:restore:checkpoint")} or ${npmRun(environment, "db:restore")}), and look at the disk and the server's log before the data is used again.`,
  };
}

/** What the server's own checksums of its pages say. */
export async function lookAtChecksums(client: pg.Client): Promise<Found[]> {
  const { rows } = await client.query<{ on: boolean; failures: string | null; last: string | null }>(
    `SELECT current_setting('data_checksums') = 'on' AS on, sum(checksum_failures)::text AS failures, max(checksum_last_failure)::text AS last
       FROM pg_stat_database WHERE datname = current_database() OR datname IS NULL`,
  );
  const seen = rows[0];
  if (seen?.on !== true) {
    return [
      {
        check: "checksums-off",
        severity: "warning",
        message: "the cluster has no data checksums: a page that the disk changed is not noticed when it is read",
        remedy: "Stop the server and run pg_checksums --enable (it reads and writes every page once).",
      },
    ];
  }
  if (Number(seen.failures ?? 0) === 0) return [];
  return [
    {
      check: "checksum-failures",
      severity: "error",
      message: `${seen.failures} page(s) were read that are not as they were written, the last at ${seen.last}`,
      remedy: "The server's log names the files. Look at the disk, then restore what they hold.",
    },
  ];
}
