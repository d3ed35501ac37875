import type pg from "pg";
import type { StageContext } from "../context.js";
import type { BackupRequest, Identity } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { withClient } from "../postgres/connection.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import { readSequences } from "../postgres/fingerprintCatalogue.js";
import { assertSameDatabase } from "../postgres/identity.js";
import { type HeldSnapshot, holdSnapshot } from "../postgres/snapshot.js";
import { type Touched, nextGroup, readTouched } from "../postgres/touchedRows.js";
import { type Rds, type RdsPlace, withRds } from "../rds/client.js";
import { awaitReady } from "../rds/instances.js";
import { snapshotName } from "../rds/names.js";
import {
  type Snapshot,
  beginSnapshot,
  completeSnapshot,
  discardSnapshot,
  markSnapshot,
  sweepSnapshots,
} from "../rds/snapshots.js";
import { allOrStop, lockTimeoutMs, readRest } from "../store/capture.js";
import { isBackupThere } from "../store/housekeeping.js";
import { type Manifest, manifestName, renderManifest } from "../store/manifest.js";
import type { Staging, Store } from "../store/store.js";
import { listUnlogged } from "./makePhysical.js";
import { currentSnapshot } from "./point.js";
import { parseSnapshot } from "./snapshots.js";

/** How many rows that were written to meanwhile are noted in a manifest. */
const mostTouched = 20_000;
const application = { applicationName: "safe-migration backup" };

/** What a backup by a DB snapshot is made as. */
export interface NewSnapshot {
  readonly id: string;
  /** The place that was claimed, which keeps others off it; it gets no file. */
  readonly staging: Staging;
  readonly place: RdsPlace;
  /** As it was seen before. */
  readonly identity: Identity;
}

/**
 * A backup of a database by a DB snapshot of its instance, and the fingerprint of every table as of a moment just before it. When RDS
 * takes it is not known to the instant; so the rows that are written to until it is complete are noted, by which a copy is told from one
 * that lost something. The manifest is written last; where anything fails, there is no backup, and the DB snapshot goes.
 *
 * @throws PipelineError where RDS refuses or takes too long, and what the fingerprints throw.
 */
export async function makeSnapshotBackup(
  store: Store,
  request: BackupRequest,
  of: NewSnapshot,
  context: StageContext,
): Promise<{ readonly manifest: Manifest; readonly text: string }> {
  const { environment, run } = request;
  const { id, staging, place } = of;
  const { log } = context;
  return withRds(place, environment, context.signal, async (rds) => {
    const identifier = snapshotName(environment, id);
    let begun = false;
    try {
      await sweepSnapshots(rds, (backup) => isBackupThere(store, environment, backup, id), log);
      await awaitReady(rds, { settings: request.settings.backup, log, share: [0, 0.05], signal: context.signal });
      const begin = async () => {
        const tags = { environment, instance: rds.instance, purpose: "making", backup: id, run } as const;
        begun = true;
        await beginSnapshot(rds, identifier, tags);
        log.info(`RDS makes DB snapshot ${identifier} of ${rds.instance}`);
      };
      const { manifest, snapshot } = await capture(rds, request, of, { identifier, begin }, context);
      const text = renderManifest(manifest);
      context.signal.throwIfAborted();
      await store.write(`${environment}/${id}/${manifestName}`, text);
      await settle(rds, snapshot, staging, log);
      return { manifest, text };
    } catch (error) {
      await staging
        .discard()
        .catch((reason: unknown) => log.warn(`the place of ${id} could not be let go: ${messageOf(reason)}`));
      if (begun) await discardSnapshot(rds, identifier, log);
      throw error;
    }
  });
}

/** The backup is made: what fails from here on does not make it worse. */
async function settle(rds: Rds, snapshot: Snapshot, staging: Staging, log: Logger): Promise<void> {
  const said = (what: string) => (reason: unknown) => log.warn(`${what}: ${messageOf(reason)}`);
  await markSnapshot(rds, snapshot, "backup").catch(
    said(`DB snapshot ${snapshot.identifier} could not be tagged as complete`),
  );
  await staging.discard().catch(said("the place of the backup could not be let go"));
}

interface Begun {
  readonly identifier: string;
  readonly begin: () => Promise<void>;
}

async function capture(
  rds: Rds,
  request: BackupRequest,
  { id, identity }: NewSnapshot,
  { identifier, begin }: Begun,
  { log, signal: stopped }: StageContext,
): Promise<{ manifest: Manifest; snapshot: Snapshot }> {
  const { database, environment, run, settings } = request;
  const stop = new AbortController();
  const signal = AbortSignal.any([stopped, stop.signal]);
  // Before the DB snapshot, which is never behind them.
  const { sequences, groups } = await withClient(database, application, async (client) => ({
    sequences: await readSequences(client),
    groups: await nextGroup(client),
  }));
  const held = await holdSnapshot(database, { lockTimeoutMs, ...application, signal });
  try {
    const seen = await currentSnapshot(held.client);
    await flushLog(request);
    await begin();
    const waiting = { settings: settings.backup, log, share: [0.05, 0.9], signal } as const;
    const [fingerprints, snapshot] = await allOrStop(stop, [
      fingerprintDatabase(database, {
        jobs: settings.backup.jobs,
        snapshot: held.id,
        sequences,
        lockTimeoutMs,
        log,
        signal,
      }),
      completeSnapshot(rds, identifier, waiting),
    ]);
    const touched = await touchedSince(request, held, seen, groups);
    const read = await readRest(held.client);
    const unlogged = await listUnlogged(held.client);
    if (unlogged.length > 0)
      log.warn(`the rows of unlogged tables do not come back from a DB snapshot: ${unlogged.join(", ")}`);
    assertSameDatabase(identity, read.identity);
    const taken = (snapshot.taken ?? new Date()).toISOString();
    const { instance, region } = rds;
    const physical = { method: "snapshot", instance, region, identifier, taken, snapshot: seen, unlogged } as const;
    const manifest: Manifest = {
      ...{ format: 1, id, environment, run, created: taken },
      ...read,
      physical,
      fingerprints,
      ...(touched === undefined ? {} : { touched }),
      files: [],
    };
    return { manifest, snapshot };
  } finally {
    await held.release();
  }
}

/** What sessions have committed without waiting for the disk (`synchronous_commit: off`) is on it, too, once somebody waits for it. */
async function flushLog({ database }: BackupRequest): Promise<void> {
  await withClient(database, { ...application, settings: { synchronous_commit: "on" } }, (client) =>
    client.query("SELECT pg_current_xact_id()"),
  );
}

async function touchedSince(
  { database }: BackupRequest,
  { client }: HeldSnapshot,
  seen: string,
  groups: bigint,
): Promise<Touched | undefined> {
  const now = await withClient(database, application, async (other: pg.Client) => ({
    transactions: parseSnapshot(await currentSnapshot(other)).end,
    groups: await nextGroup(other),
  }));
  const { running, end } = parseSnapshot(seen);
  const oldest = running.reduce((least, each) => (each < least ? each : least), end);
  return readTouched(client, {
    transactions: { from: oldest, to: now.transactions },
    groups: { from: groups, to: now.groups < groups ? now.groups + 2n ** 32n : now.groups },
    most: mostTouched,
  });
}
