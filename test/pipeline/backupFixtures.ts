import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type pg from "pg";
import type { StageContext } from "../../pipeline/context.js";
import {
  type BackupRequest,
  type BackupResult,
  type Database,
  type MigrateRequest,
  type RestoreRequest,
  type StageRequest,
  backupRequest,
  restoreRequest,
} from "../../pipeline/contracts.js";
import { type Logger, silent } from "../../pipeline/log.js";
import { PipelineError } from "../../pipeline/errors.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { requestOf } from "../support/stageRequest.js";

/** A store of one test file; `remove` it in `after`. */
export async function temporaryStore(): Promise<{ url: string; root: string; remove(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), "safe-migration-store-"));
  return { root, url: pathToFileURL(root).href, remove: () => rm(root, { recursive: true, force: true }) };
}

/** For stages that do not look into the project. */
function projectless(database: Database, store: string, run: string): StageRequest {
  return requestOf({ database, project: { schema: "/none", migrations: "/none" }, store: { url: store } }, { run });
}

export function backupOf(database: Database, store: string, run = "run"): BackupRequest {
  return backupRequest.parse(projectless(database, store, run));
}

export function restoreOf(database: Database, store: string, backup = "newest"): RestoreRequest {
  return restoreRequest.parse({ ...projectless(database, store, "restoring"), backup });
}

/** What migrate is asked where a test is not about the rehearsal. */
export function unrehearsed(base: StageRequest, made: BackupResult): MigrateRequest {
  const { id: backup, manifestSha256, run, environment, at, durationMs } = made;
  const settings = {
    ...base.settings,
    rehearse: { mode: "never", down: "refuse", reason: "a test", folder: "", instanceClass: "" },
  } as const;
  const stamp = { run, environment, at, durationMs };
  const skipped = { stage: "rehearse", verdict: "skipped", summary: "a test", backup, manifestSha256 } as const;
  return { ...base, settings, backup: made, rehearsal: { ...skipped, ...stamp } };
}

/** A context whose log is kept in `lines`. */
export function recording(signal = new AbortController().signal): { context: StageContext; lines: string[] } {
  const lines: string[] = [];
  const add = (message: string) => void lines.push(message);
  const log: Logger = { ...silent, info: add, warn: add, error: add };
  return { context: { log, signal }, lines };
}

export const quiet: StageContext = recording().context;

export function query<T extends pg.QueryResultRow>(database: Database, sql: string, values?: unknown[]): Promise<T[]> {
  return withClient(database, { applicationName: "test" }, async (client) => (await client.query<T>(sql, values)).rows);
}

/** How many rows the table `items` of a test has. */
export async function rowsOf(database: Database): Promise<string> {
  return (await query<{ count: string }>(database, "SELECT count(*) FROM items")).map(({ count }) => count).join();
}

/** Runs `sql` in the maintenance database of the cluster. */
export function maintain<T extends pg.QueryResultRow>(
  database: Database,
  sql: string,
  values?: unknown[],
): Promise<T[]> {
  return query<T>({ ...database, name: maintenanceDatabase }, sql, values);
}

/** Names of the databases that begin with `prefix`. */
export async function databasesLike(database: Database, prefix: string): Promise<string[]> {
  const rows = await maintain<{ datname: string }>(
    database,
    "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY datname",
    [prefix],
  );
  return rows.map(({ datname }) => datname);
}

/** For `assert.rejects`: a PipelineError of this code whose message matches. */
export function failsWith(code: string, message = /./): (error: unknown) => true {
  return (error) => {
    if (!(error instanceof PipelineError)) throw error;
    if (error.code !== code || !message.test(error.message)) throw error;
    return true;
  };
}
