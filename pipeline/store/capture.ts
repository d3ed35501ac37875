import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { z } from "zod";
import type { Database } from "../contracts.js";
import type { Logger } from "../log.js";
import { findBinaries } from "../postgres/binaries.js";
import { readDatabaseNeeds } from "../postgres/databaseNeeds.js";
import { readDatabaseProperties, serverVersionNumber } from "../postgres/databaseProperties.js";
import { chooseCompression, dumpDatabase } from "../postgres/dump.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import { listTables, ownSchema, readSequences } from "../postgres/fingerprintCatalogue.js";
import { readIdentity } from "../postgres/identity.js";
import { makingWay } from "../postgres/makingWay.js";
import { type HeldSnapshot, holdSnapshot } from "../postgres/snapshot.js";
import { historyRow, type Manifest } from "./manifest.js";

/** How long a backup waits for a table that somebody holds exclusively, in milliseconds. */
export const lockTimeoutMs = 30_000;

export interface CaptureOptions {
  readonly directory: string;
  readonly jobs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

type Captured = Omit<Manifest, "format" | "id" | "environment" | "run" | "created" | "files">;

/**
 * Dumps and fingerprints a database as of one moment. If one of the two fails, the other is stopped; where somebody changes the form of a
 * table meanwhile, it is begun anew (see {@link makingWay}).
 */
export async function captureDatabase(database: Database, options: CaptureOptions): Promise<Captured> {
  const { log, signal, directory } = options;
  // Of the dump that was broken off.
  const again = async () => {
    for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
  };
  return makingWay(database, { log, signal, again }, (stopped, holding, attempt) =>
    captureOnce(database, { ...options, signal: stopped }, holding, attempt > parallelTries ? 1 : options.jobs),
  );
}

/**
 * The processes of a parallel `pg_dump` lock a table again when they come to it, and give up where somebody waits for it; one alone holds
 * all tables from its begin (manual of `pg_dump`, `--jobs`).
 */
const parallelTries = 2;

async function captureOnce(
  database: Database,
  options: CaptureOptions,
  holding: (held: HeldSnapshot) => Promise<void>,
  dumpJobs: number,
): Promise<Captured> {
  const held = await holdSnapshot(database, {
    lockTimeoutMs,
    applicationName: "safe-migration backup",
    signal: options.signal,
  });
  try {
    await holding(held);
    // Before pg_dump looks at them: see readSequences.
    const sequences = await readSequences(held.client);
    const tables = await listTables(held.client);
    const { pgDump } = await findBinaries(Math.floor((await serverVersionNumber(held.client)) / 10_000));
    const compression = await chooseCompression(pgDump);
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal]);
    const progress = combinedProgress(options.log);
    const shared = { ...options, signal, lockTimeoutMs, snapshot: held.id };
    const [fingerprints, , read] = await allOrStop(stop, [
      fingerprintDatabase(database, { ...shared, sequences, onProgress: progress("fingerprint of", 0.3) }),
      dumpDatabase(database, {
        ...shared,
        jobs: dumpJobs,
        program: pgDump,
        compression,
        tables,
        onProgress: progress("dumping", 0.65),
      }),
      readRest(held.client),
    ]);
    return { ...read, tools: { pgDump: pgDump.version, compression }, fingerprints };
  } finally {
    await held.release();
  }
}

/** All results; the first failure stops the others and is what is thrown, once all have ended. */
export async function allOrStop<Work extends readonly Promise<unknown>[]>(
  stop: AbortController,
  work: readonly [...Work],
): Promise<{ -readonly [At in keyof Work]: Awaited<Work[At]> }> {
  let first: { error: unknown } | undefined;
  for (const promise of work)
    promise.catch((error: unknown) => {
      first ??= { error };
      stop.abort(error);
    });
  await Promise.allSettled(work);
  if (first !== undefined) throw first.error;
  return Promise.all(work);
}

/** One line of progress out of several that run at once; each is given its share of the whole. */
function combinedProgress(log: Logger) {
  const parts = new Map<string, number>();
  return (what: string, share: number) => (fraction: number, table: string) => {
    parts.set(what, fraction * share);
    const sum = [...parts.values()].reduce((total, part) => total + part, 0);
    log.progress(`${what} ${table}`, sum);
  };
}

/** What a manifest says of a database beside its data. */
export async function readRest(client: pg.Client) {
  const { rows } = await client.query("SELECT pg_database_size(current_database())::text AS bytes");
  return {
    identity: await readIdentity(client),
    databaseBytes: z.tuple([z.object({ bytes: z.coerce.number() })]).parse(rows)[0].bytes,
    properties: await readDatabaseProperties(client),
    needs: await readDatabaseNeeds(client),
    migrations: await readHistoryRows(client),
  };
}

/** Prisma's history as the snapshot has it, from whichever schema it is kept in; empty where there is none. */
async function readHistoryRows(client: pg.Client): Promise<Manifest["migrations"]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = '_prisma_migrations' AND c.relkind = 'r' AND ${ownSchema("n")} ORDER BY n.nspname`,
  );
  const history: Manifest["migrations"] = [];
  for (const { name } of rows) {
    const found = await client.query(
      `SELECT migration_name AS name, checksum, finished_at::text AS "finishedAt", rolled_back_at::text AS "rolledBackAt"
       FROM ${name} ORDER BY started_at, migration_name`,
    );
    history.push(...z.array(historyRow).parse(found.rows));
  }
  return history;
}
