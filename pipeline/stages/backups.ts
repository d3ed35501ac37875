import type { StageContext } from "../context.js";
import type { BackupEntry, BackupsRequest, BackupsResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { Archived, findDamageElsewhere } from "../recovery/archived.js";
import { type ListedBackup, scanBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { readProof } from "../store/proof.js";
import type { Store } from "../store/store.js";
import { verifyBackup } from "../store/verifyBackup.js";
import { stamp } from "./stamp.js";

/**
 * Every backup of the environment, with what is known of it. Reads the store, and the archive where backups lie in it; no database is
 * asked.
 */
export async function backups(request: BackupsRequest, context: StageContext): Promise<BackupsResult> {
  const started = Date.now();
  const store = openStore(request.store);
  const { complete, damaged } = await scanBackups(store, request.environment);
  const archived = new Archived(context.signal);
  const found: BackupEntry[] = [];
  for (const [at, backup] of complete.entries()) {
    context.signal.throwIfAborted();
    context.log.progress(`looking at ${backup.id}`, at / complete.length);
    const { physical } = backup.manifest;
    const gone = physical === undefined ? undefined : await archived.whyNot(physical);
    const damage = () => (request.verify ? findDamage(store, request, backup, context.signal) : undefined);
    const reason = gone ?? (await damage());
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
    const { physical } = await verifyBackup(store, environment, id, manifestSha256, {
      jobs: settings.backup.jobs,
      signal,
    });
    return physical === undefined ? undefined : await findDamageElsewhere(physical, signal);
  } catch (error) {
    const found = error instanceof PipelineError && ["BACKUP_DAMAGED", "ARCHIVE_UNREADABLE"].includes(error.code);
    if (!found) throw error;
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
  const { run, checkpoint, files, fingerprints, physical } = manifest;
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
    ...(physical === undefined
      ? { bytes: files.reduce((sum, file) => sum + file.bytes, 0) }
      : { method: physical.method }),
    tables: fingerprints.tables.length,
    rows: fingerprints.tables.reduce((sum, { rows }) => sum + rows, 0),
    migrations: applied.length,
    ...(last === undefined ? {} : { lastMigration: last }),
    ...(proof === undefined ? {} : { proved: { at: proof.at, by: proof.by } }),
  };
}
