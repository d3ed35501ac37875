import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { z } from "zod";
import type { Database, RestorePoint, Settings } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { sqlState, withClient } from "../postgres/connection.js";
import { listTableNames, readSequences } from "../postgres/fingerprintCatalogue.js";
import type { Fingerprints } from "../postgres/fingerprints.js";
import { createRestorePoint } from "../postgres/restorePoint.js";
import { type HeldSnapshot, holdSnapshot } from "../postgres/snapshot.js";
import { parseSnapshot, unseen } from "./snapshots.js";

const defaultQuietTries = 25;
/** How long a transaction that is writing its end may take until others see it, in milliseconds. */
const settleMs = 10;
/** Tables in one LOCK statement. */
const batchSize = 500;

/** A snapshot that is held, and the restore point just after it. */
export interface TakenPoint {
  readonly held: HeldSnapshot;
  /** As `pg_current_snapshot()` prints it. */
  readonly snapshot: string;
  readonly restorePoint: RestorePoint;
  /** Read before both: the log is never behind them. */
  readonly sequences: Fingerprints["sequences"];
  readonly writersHeld: boolean;
}

export interface PointOptions {
  /** A new name for each try; recovery ends at the first restore point of a name. */
  readonly name: () => string;
  /** How long a table that is held exclusively is waited for, in milliseconds. */
  readonly lockTimeoutMs: number;
  /** How often an instant is looked for in which nobody commits, before writers are held off for one. @default 25 */
  readonly quietTries?: number;
  readonly migrate: Pick<Settings["migrate"], "lockTimeoutMs" | "lockRetries" | "retryDelayMs" | "retryDelayMaxMs">;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Takes a snapshot and a restore point that are of one state: no transaction is committed between the two. An instant without a commit
 * is waited for some times; on a server that has none, writers of this database are held off for one: they wait for no longer than they
 * would for a migration (`migrate.lockTimeoutMs`).
 *
 * What a server shows of its running transactions does not tell for sure that none of them has written its end into the log already: of
 * the copy it can be told, and is.
 *
 * @throws PipelineError (`BACKUP_BUSY`, failedUnchanged) where writers do not make way; and what {@link holdSnapshot} throws.
 */
export async function takePoint(database: Database, options: PointOptions): Promise<TakenPoint> {
  const { signal, log, quietTries = defaultQuietTries } = options;
  return withClient(database, { applicationName: "safe-migration backup" }, async (client) => {
    for (let tried = 0; tried < quietTries; tried++) {
      signal.throwIfAborted();
      const taken = await takeOnce(database, client, options, options.lockTimeoutMs);
      if (await isQuiet(client, taken)) return taken;
      log.debug("somebody committed between the snapshot and the restore point; both are taken again");
    }
    log.info(`there was no instant without a commit in ${quietTries} tries: writers are held off for one`);
    return holdingWriters(database, client, options);
  });
}

async function takeOnce(
  database: Database,
  client: pg.Client,
  { name, signal }: PointOptions,
  lockTimeoutMs: number,
  writersHeld = false,
): Promise<TakenPoint> {
  const sequences = await readSequences(client);
  const held = await holdSnapshot(database, { lockTimeoutMs, applicationName: "safe-migration backup", signal });
  try {
    // At once: what is committed in between is in the copy, and not in the snapshot.
    const restorePoint = await createRestorePoint(client, name());
    return { held, snapshot: await currentSnapshot(held.client), restorePoint, sequences, writersHeld };
  } catch (error) {
    await held.release();
    throw error;
  }
}

/**
 * Whether nothing that the snapshot does not see was committed by the time of the restore point, or shortly after: who was writing its end
 * then is seen to have ended now. Releases the snapshot if something was.
 */
async function isQuiet(client: pg.Client, { held, snapshot }: TakenPoint): Promise<boolean> {
  try {
    await sleep(settleMs);
    const since = unseen(parseSnapshot(snapshot), parseSnapshot(await currentSnapshot(client)));
    if ((await readCommitted(client, since)).length === 0) return true;
    await held.release();
    return false;
  } catch (error) {
    await held.release();
    throw error;
  }
}

/** Nobody who has written to a table of this database is under way while it is locked, and what was committed before is seen. */
async function holdingWriters(database: Database, client: pg.Client, options: PointOptions): Promise<TakenPoint> {
  const { lockTimeoutMs, lockRetries, retryDelayMs, retryDelayMaxMs } = options.migrate;
  for (let tried = 0; tried <= lockRetries; tried++) {
    options.signal.throwIfAborted();
    if (tried > 0)
      await sleep(Math.min(retryDelayMs * 2 ** (tried - 1), retryDelayMaxMs), undefined, { signal: options.signal });
    await client.query("BEGIN");
    try {
      await client.query("SELECT set_config('lock_timeout', $1, true)", [String(lockTimeoutMs)]);
      await lockAgainstWriters(client);
      return await takeOnce(database, client, options, lockTimeoutMs, true);
    } catch (error) {
      // Not had in time, or dropped since it was listed.
      const again = ["55P03", "40P01", "42P01"].includes(sqlState(error) ?? "");
      if (!again && !(error instanceof PipelineError && error.code === "BLOCKED")) throw error;
    } finally {
      // Nothing was written; the locks end with it.
      await client.query("ROLLBACK");
    }
  }
  throw tooBusy(options);
}

async function lockAgainstWriters(client: pg.Client): Promise<void> {
  const tables = (await listTableNames(client)).map(
    ({ schema, name }) => `ONLY ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`,
  );
  const all = ["pg_catalog.pg_largeobject_metadata", "pg_catalog.pg_largeobject", ...tables];
  for (let from = 0; from < all.length; from += batchSize)
    await client.query(`LOCK TABLE ${all.slice(from, from + batchSize).join(", ")} IN SHARE MODE`);
}

export async function currentSnapshot(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query("SELECT pg_current_snapshot()::text AS snapshot");
  return z.tuple([z.strictObject({ snapshot: z.string() })]).parse(rows)[0].snapshot;
}

/** Those of the transactions that were committed, as this server knows it. */
export async function readCommitted(client: pg.ClientBase, transactions: readonly bigint[]): Promise<string[]> {
  if (transactions.length === 0) return [];
  const { rows } = await client.query<{ id: string }>(
    "SELECT id FROM unnest($1::text[]) AS id WHERE pg_xact_status(id::xid8) = 'committed'",
    [transactions.map(String)],
  );
  return rows.map(({ id }) => id);
}

function tooBusy({ migrate, quietTries = defaultQuietTries }: PointOptions): PipelineError {
  const { lockTimeoutMs, lockRetries } = migrate;
  return new PipelineError({
    code: "BACKUP_BUSY",
    kind: "failedUnchanged",
    message: `There was no instant to end the backup at: in ${quietTries} tries somebody always committed, and in ${lockRetries + 1} more the tables could not be held for it within ${lockTimeoutMs} ms (migrate.lockTimeoutMs).`,
    state: "The database was not changed, and no backup was recorded.",
    next: "Look for long transactions that write (npm run db:diagnose -- --quick names them), or choose a calmer time; then run the same command.",
  });
}
