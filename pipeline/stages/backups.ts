import type { StageContext } from "../context.js";
import type { BackupEntry, BackupsRequest, BackupsResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { type ListedBackup, scanBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { readProof } from "../store/proof.js";
import type { Store } from "../store/store.js";
import { verifyBackup } from "../store/verifyBackup.js";
import { stamp } from "./stamp.js";

/** Every backup of the environment, with what is known of it. Reads the store only; no database is asked. */
export async function backups(request: BackupsRequest, context: StageContext): Promise<BackupsResult> {
  const started = Date.now();
  const store = openStore(request.store);
  const { complete, damaged } = await scanBackups(store, request.environment);
  const found: BackupEntry[] = [];
  for (const [at, backup] of complete.entries()) {
    context.signal.throwIfAborted();
    context.log.progress(`looking at ${backup.id}`, at / complete.length);
    const reason = request.verify ? await findDamage(store, request, backup, context.signal) : undefined;
    found.push(await describe(store, request.environment, backup, reason));
  }
  const broken = damaged.map(({ id, reason }): BackupEntry => ({ id, state: "damaged", reason }));
  return {
    stage: "backups",
    ...stamp(request, started),
    store: store.url,
    backups: [...found, ...broken],
    verified: request.verify,
  };
}

async function findDamage(
  store: Store,
  { environment, settings }: BackupsRequest,
  { id, manifestSha256 }: ListedBackup,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await verifyBackup(store, environment, id, manifestSha256, { jobs: settings.backup.jobs, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== "BACKUP_DAMAGED") throw error;
    return error.message;
  }
}

async function describe(
  store: Store,
  environment: string,
  backup: ListedBackup,
  reason: string | undefined,
): Promise<BackupEntry> {
  const { id, created, manifest } = backup;
  const { run, checkpoint, files, fingerprints } = manifest;
  const applied = manifest.migrations.filter((row) => row.finishedAt !== null && row.rolledBackAt === null);
  const last = applied.at(-1)?.name;
  const proof = await readProof(store, environment, backup);
  return {
    id,
    state: reason === undefined ? "complete" : "damaged",
    ...(reason === undefined ? {} : { reason }),
    made: created,
    run,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    tables: fingerprints.tables.length,
    rows: fingerprints.tables.reduce((sum, { rows }) => sum + rows, 0),
    migrations: applied.length,
    ...(last === undefined ? {} : { lastMigration: last }),
    ...(proof === undefined ? {} : { proved: { at: proof.at, by: proof.by } }),
  };
}
