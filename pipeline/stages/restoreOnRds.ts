import type { StageContext } from "../context.js";
import type { RestoreRequest, RestoreResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { interrupted } from "../postgres/interrupt.js";
import { besideName } from "../rds/names.js";
import { type Beside, type BesideSource, type SnapshotSource, restoreBeside } from "../recovery/besideInstance.js";
import { unexplained } from "../recovery/lateRows.js";
import { compareWithBackup } from "../store/compareWithBackup.js";
import { openStore } from "../store/open.js";
import { describeDifferences, noteProof } from "../store/restoreInto.js";
import { verifyBackup } from "../store/verifyBackup.js";
import { findWritten } from "../verdict/observe.js";
import { stamp } from "./stamp.js";

/**
 * What RDS restores for a request: a moment, a backup that is a DB snapshot, or the DB snapshot that was made beside one.
 *
 * @param chosen the backup, where it is one
 * @returns `undefined` where it is for PostgreSQL's own programs, or pgBackRest's.
 * @throws PipelineError (`NO_DB_SNAPSHOT`, refused) where one is wanted that was not made.
 */
export async function sourceOnRds(
  { at, environment, store, database, dbSnapshot: wanted }: RestoreRequest,
  chosen: string | undefined,
): Promise<BesideSource | undefined> {
  // RDS goes by whole seconds.
  if (at !== undefined)
    return database.rds === undefined ? undefined : { at: new Date(Math.floor(Date.parse(at) / 1_000) * 1_000) };
  if (chosen === undefined) return undefined;
  const manifest = await verifyBackup(openStore(store), environment, chosen, undefined, { read: "manifest" });
  const { physical, dbSnapshot } = manifest;
  if (physical?.method === "snapshot") return { manifest, snapshot: physical, seen: physical.snapshot };
  if (wanted !== true) return undefined;
  if (dbSnapshot !== undefined) return { manifest, snapshot: dbSnapshot };
  throw new PipelineError({
    code: "NO_DB_SNAPSHOT",
    kind: "refused",
    message: `No DB snapshot was made beside backup ${chosen}.`,
    state: "Nothing was touched.",
    next: `Restore the backup itself: ${npmRun(environment, "db:restore", "--backup", chosen)}. From now on, backup.snapshotBefore makes them.`,
  });
}

/**
 * Restores it as an instance of its own beside, which stays, and says what can be done with it. The environment's own is not touched.
 *
 * @throws PipelineError where it cannot be restored, or comes back as something else; run again, it goes on with what was begun.
 */
export async function restoreOnRds(
  request: RestoreRequest,
  context: StageContext,
  source: BesideSource,
): Promise<RestoreResult> {
  const started = Date.now();
  const { log, signal } = context;
  if (request.into !== undefined)
    log.info(
      `RDS restores this as an instance of its own, in which the database keeps its name: "${request.into}" is not needed`,
    );
  try {
    const beside = await restoreBeside(request, context, source);
    const differences =
      "at" in source
        ? await since(request, context, beside)
        : source.seen === undefined
          ? besideDump(source, beside, context)
          : await prove(request, context, { ...source, seen: source.seen }, beside);
    const { instance, fingerprints } = beside;
    log.info(
      `instance ${instance.identifier} is there, at ${instance.host}:${instance.port}; what can be done with it:`,
    );
    for (const step of instance.steps) log.info(step);
    return {
      stage: "restore",
      ...stamp(request, started),
      ...("at" in source
        ? { backup: request.database.rds?.instance ?? "", moment: request.at }
        : { backup: source.manifest.id }),
      differences,
      instance,
      tables: fingerprints.tables.length,
      rows: fingerprints.tables.reduce((sum, { rows }) => sum + rows, 0),
      swapMs: 0,
    };
  } catch (error) {
    if (!signal.aborted || error instanceof PipelineError) throw error;
    throw stopped(request, source);
  }
}

/** What the database of today has otherwise than the moment, by table. */
async function since(request: RestoreRequest, context: StageContext, { fingerprints }: Beside): Promise<string[]> {
  const written = await findWritten(request, context, { data: true }, { manifest: { fingerprints } });
  const lines = written.known
    ? written.changes.map(({ table, message }) => `${table} ${message}`)
    : [`not known: ${written.reason}`];
  const at = request.at ?? "";
  if (lines.length === 0) context.log.info(`nothing of the database's tables is otherwise than at ${at}`);
  for (const line of lines) context.log.warn(`since ${at}: ${line}`);
  return lines;
}

/** What a DB snapshot has otherwise than the dump that it was made beside: it is of another moment. */
function besideDump({ manifest }: SnapshotSource, { fingerprints }: Beside, { log }: StageContext): string[] {
  const lines = compareWithBackup(manifest, fingerprints).map(({ object, message }) => `${object} ${message}`);
  for (const line of lines) log.info(`otherwise than in the dump: ${line}`);
  return lines;
}

/** @throws PipelineError (`RESTORED_DIFFERS`) where the backup came back as something else than it was made of. */
async function prove(
  { environment, store, run }: RestoreRequest,
  { log }: StageContext,
  { manifest, seen }: SnapshotSource & { readonly seen: string },
  { database, instance, fingerprints }: Beside,
): Promise<string[]> {
  const { id, touched } = manifest;
  const then = { fingerprints: manifest.fingerprints, snapshot: seen, touched };
  const { lost, unclear } = await unexplained(database, then, compareWithBackup(manifest, fingerprints));
  const left = [...lost, ...unclear];
  if (left.length === 0) {
    log.info("the restored database holds what the backup's fingerprints saw", { tables: fingerprints.tables.length });
    await noteProof({ store: openStore(store), manifest, proof: { by: "restore", run }, log });
    return [];
  }
  throw new PipelineError({
    code: "RESTORED_DIFFERS",
    kind: "failedUnchanged",
    message: `Backup ${id} does not come back as what it was made of: ${describeDifferences(left)}.`,
    state: `The database is as it was. Instance ${instance.identifier} (${instance.host}:${instance.port}) stays${instance.found ? "; it was there before this run, and may have been written to since" : ""}.`,
    next: `Look at it, or delete it and run the same command; or take another backup, one that is proved (${npmRun(environment, "db:restore", "--list")}).`,
  });
}

function stopped({ environment, at, database }: RestoreRequest, source: BesideSource): PipelineError {
  const of = "at" in source ? { at: source.at } : { snapshot: source.snapshot.identifier };
  const identifier = besideName(environment, of);
  const again =
    "at" in source
      ? npmRun(environment, "db:restore:checkpoint", "--at", at ?? "")
      : npmRun(
          environment,
          "db:restore",
          "--backup",
          source.manifest.id,
          ...(source.seen === undefined ? ["--db-snapshot"] : []),
        );
  return interrupted(
    "The restore",
    `The database is as it was; RDS goes on with instance ${identifier}, if it had begun, which costs as long as it is there.`,
    `Run it again, and it is gone on with: ${again}; or give it up: aws rds delete-db-instance --region ${database.rds?.region ?? ""} --db-instance-identifier ${identifier} --skip-final-snapshot`,
  );
}
