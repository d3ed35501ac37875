import type pg from "pg";
import type { Database } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { few } from "../few.js";
import type { Logger } from "../log.js";
import { findProgram } from "../postgres/binaries.js";
import { maintenanceDatabase, withClient } from "../postgres/connection.js";
import { assertNeedsMet } from "../postgres/databaseNeeds.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import { type Difference, compareFingerprints, withoutExtension } from "../postgres/fingerprints.js";
import { leftOutExtension } from "../postgres/inertContents.js";
import { readIdentity } from "../postgres/identity.js";
import { loadDump } from "../postgres/load.js";
import { assertNotNewer } from "../postgres/restoreChecks.js";
import { dropScratch } from "../postgres/scratch.js";
import { majorOf } from "../postgres/version.js";
import { type DumpManifest, type Manifest, dumpFolder, hashText, renderManifest } from "./manifest.js";
import { type Proof, recordProof } from "./proof.js";
import type { Store } from "./store.js";

/** What of the cluster a restore goes by. */
export interface RestoreTarget {
  /** The cluster lacks a tablespace that the backup names. */
  readonly noTablespaces: boolean;
  readonly serverMajor: number;
}

/**
 * Whether a cluster has what a backup's database needs. `client` is connected to its maintenance database.
 *
 * @throws PipelineError (`refused`) for a backup of a newer server, and for roles or extensions that are missing.
 */
export async function assertRestorable(client: pg.Client, manifest: Manifest, log: Logger): Promise<RestoreTarget> {
  const server = await readIdentity(client);
  assertNotNewer(manifest.identity, server);
  const missing = await assertNeedsMet(client, manifest.needs);
  if (missing.length > 0)
    log.warn(`this cluster lacks the tablespaces ${missing.join(", ")}: everything goes to the default one`);
  return { noTablespaces: missing.length > 0, serverMajor: majorOf(server.serverVersion) };
}

export interface RestoreIntoOptions {
  readonly store: Store;
  readonly manifest: DumpManifest;
  readonly target: RestoreTarget;
  readonly jobs: number;
  /** Who restores, for the record beside the backup that it is proved; absent: nothing is written to the store. */
  readonly proof?: Pick<Proof, "by" | "run">;
  /** The copy is worked on while the original lives: nothing in it may act on the world outside. */
  readonly inert?: boolean;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Loads a backup, whose files were verified, into an empty database of `database`'s cluster, and proves by the fingerprints that
 * it holds what was dumped, to the last value; that is noted beside the backup.
 *
 * @throws PipelineError (`failedUnchanged`) where it does not load, or not to what it was made of.
 */
export async function restoreInto(database: Database, into: string, options: RestoreIntoOptions): Promise<void> {
  await load(database, into, options);
  await prove(database, into, options);
  await noteProof(options);
  const settings = { statement_timeout: "0" };
  await withClient(database, { database: into, applicationName: "safe-migration analyze", settings }, (client) =>
    client.query("ANALYZE"),
  );
}

async function load(database: Database, into: string, options: RestoreIntoOptions): Promise<void> {
  const { store, manifest, target, jobs, log, signal, inert = false } = options;
  const program = await findProgram("pg_restore", {
    atLeast: majorOf(manifest.tools.pgDump),
    preferred: target.serverMajor,
    than: "the pg_dump that made the backup",
  });
  const fetched = await store.fetch(`${manifest.environment}/${manifest.id}/${dumpFolder}`);
  try {
    const tables = manifest.fingerprints.tables.map((table) => ({ ...table, bytes: table.rows }));
    const { directory } = fetched;
    await loadDump(database, { ...target, program, directory, into, jobs, tables, inert, log, signal });
  } finally {
    await fetched.release();
  }
}

async function prove(database: Database, into: string, options: RestoreIntoOptions): Promise<void> {
  const { manifest, jobs, inert = false, log, signal } = options;
  const { fingerprints } = manifest;
  const expected = inert ? withoutExtension(fingerprints, leftOutExtension) : fingerprints;
  const onProgress = (fraction: number, table: string) =>
    log.progress(`fingerprint of ${table}`, 0.75 + fraction * 0.2);
  const restored = await fingerprintDatabase(database, {
    database: into,
    jobs,
    log,
    signal,
    image: fingerprints.image,
    algorithm: fingerprints.algorithm,
    onProgress,
  });
  const differences = compareFingerprints(expected, restored);
  if (differences.length > 0) throw restoredDiffers(manifest.id, differences);
  log.info("the restored database has the fingerprints of the backup", { tables: fingerprints.tables.length });
}

/** Notes beside a backup that it came back as what it was made of. */
export async function noteProof({
  store,
  manifest,
  proof,
  log,
}: Pick<RestoreIntoOptions, "store" | "proof" | "log"> & { readonly manifest: Manifest }): Promise<void> {
  if (proof === undefined) return;
  const { id, environment, fingerprints } = manifest;
  const { tables } = fingerprints;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const manifestSha256 = hashText(renderManifest(manifest));
  return recordProof(store, environment, { backup: id, manifestSha256, ...proof, tables: tables.length, rows }, log);
}

/** The first differences, as a clause. */
export function describeDifferences(differences: readonly Difference[]): string {
  const told = differences.map(({ object, message }) => `${object} ${message}`);
  return few(told, { separator: "; " });
}

/** A backup came back as something else. */
export function restoredDiffers(id: string, differences: readonly Difference[]): PipelineError {
  return new PipelineError({
    code: "RESTORED_DIFFERS",
    kind: "failedUnchanged",
    message: `Backup ${id} does not restore to what it was made of: ${describeDifferences(differences)}.`,
    state: "The database is as it was; what was restored beside it is dropped.",
    next: "Take another backup (npm run db:restore -- --list), and report this: a backup that does not restore is a defect.",
  });
}

/** Drops what was restored; where that fails too, the next run does it. */
export async function discardScratch(database: Database, scratch: string, log: Logger): Promise<void> {
  try {
    const options = { database: maintenanceDatabase, applicationName: "safe-migration scratch" };
    await withClient(database, options, (client) => dropScratch(client, scratch));
  } catch (error) {
    log.warn(`database "${scratch}" could not be dropped (${messageOf(error)}); the next run drops it`);
  }
}
