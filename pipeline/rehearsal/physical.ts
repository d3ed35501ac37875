import type { StageContext } from "../context.js";
import type { PhysicalBackup, RehearsedMigration, RehearseRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { fingerprintDatabase } from "../postgres/fingerprint.js";
import type { Difference, Fingerprints } from "../postgres/fingerprints.js";
import { type Copy, withCopy } from "../recovery/copy.js";
import { type Unexplained, unexplained } from "../recovery/lateRows.js";
import { withSnapshotCopy } from "../recovery/snapshotCopy.js";
import { compareWithBackup } from "../store/compareWithBackup.js";
import type { Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { describeDifferences, noteProof, restoredDiffers } from "../store/restoreInto.js";
import { verifyBackup } from "../store/verifyBackup.js";
import { rehearseMigrations } from "./migrations.js";

/** What a rehearsal on a recovered copy showed. */
export interface RehearsedPhysical {
  readonly fingerprints: Fingerprints;
  /** Size of the copy of the database, in bytes. */
  readonly bytes: number;
  /** Until it was found equal, in milliseconds. */
  readonly durationMs: number;
  readonly migrations: RehearsedMigration[];
}

/**
 * The rehearsal of a backup that is no dump: the server is recovered beside, up to the restore point, or RDS restores the DB snapshot as
 * an instance; its database has to have the fingerprints of the backup; and the pending migrations are applied to it, with the same engine and the same proofs as on a database that
 * was loaded from a dump.
 *
 * @throws PipelineError (`RESTORED_DIFFERS`) where the backup comes back as something else; (`BACKUP_UNSTEADY`) where it does because
 * transactions are in it that the snapshot did not see, which is no loss; and what the recovery and the migrations throw.
 */
export async function rehearsePhysical(request: RehearseRequest, context: StageContext): Promise<RehearsedPhysical> {
  const { backup, environment, run } = request;
  const { log, signal } = context;
  const { jobs } = request.settings.backup;
  const started = Date.now();
  const store = openStore(request.store);
  const read = await verifyBackup(store, environment, backup.id, backup.manifestSha256, { read: "manifest" });
  const { physical } = read;
  if (physical === undefined) throw new Error(`backup ${backup.id} is a dump, although its result says otherwise`);
  const manifest = { ...read, physical };
  return onCopy(request, context, manifest, async ({ database: copy, late }) => {
    const { image, algorithm } = manifest.fingerprints;
    const onProgress = (fraction: number, table: string) =>
      log.progress(`fingerprint of ${table}`, 0.75 + fraction * 0.2);
    const fingerprints = await fingerprintDatabase(copy, { jobs, image, algorithm, log, signal, onProgress });
    const differences = await assertSame(copy, manifest, fingerprints, late);
    const { unlogged } = manifest.physical;
    if (unlogged.length > 0)
      log.warn(
        `what migrations do to the rows of unlogged tables is not seen here: ${unlogged.join(", ")} came back empty`,
      );
    const tables = fingerprints.tables.length;
    if (differences.length === 0) log.info("the recovered database has the fingerprints of the backup", { tables });
    else
      log.info(
        `the recovered database has every row of the backup's fingerprints, and what ${late.length} transaction(s) wrote after them in ${differences.length} table(s)`,
        { tables },
      );
    await noteProof({ store, manifest, proof: { by: "rehearse", run }, log });
    const bytes = await sizeOf(copy);
    const durationMs = Date.now() - started;
    // Of what is unlogged the copy has nothing: what the migrations keep is held against the copy.
    const migrations = await rehearseMigrations(request, {
      copy,
      manifest: { ...manifest, fingerprints },
      log,
      signal,
    });
    return { fingerprints, bytes, durationMs, migrations };
  });
}

type PhysicalManifest = Manifest & { readonly physical: PhysicalBackup };

function onCopy<T>(
  request: RehearseRequest,
  context: StageContext,
  manifest: PhysicalManifest,
  work: (copy: Copy) => Promise<T>,
): Promise<T> {
  const { physical } = manifest;
  return physical.method === "snapshot"
    ? withSnapshotCopy(request, context, { ...manifest, physical }, work)
    : withCopy(request, context, { ...manifest, physical }, work);
}

/**
 * Holds what was recovered against what was fingerprinted when the backup was made.
 *
 * @param late transactions that are in it, and that the snapshot of the fingerprints did not see
 * @returns in what it differs, for the sake of those, and has every row of the backup
 * @throws PipelineError (`RESTORED_DIFFERS`), or (`BACKUP_UNSTEADY`) where it may differ for the sake of those: that is no loss
 */
export async function assertSame(
  copy: RehearseRequest["database"],
  manifest: PhysicalManifest,
  recovered: Fingerprints,
  late: readonly string[],
): Promise<Difference[]> {
  const differences = compareWithBackup(manifest, recovered);
  const { lost, unclear } = await explained(copy, manifest, late, differences);
  if (lost.length > 0) throw restoredDiffers(manifest.id, lost);
  if (unclear.length > 0) throw unsteady(manifest, late, unclear);
  return differences;
}

/**
 * What the differences come to. pgBackRest's restore point is of the very same state, but for what was committed at that instant; a DB
 * snapshot is newer on a server that is written to.
 */
async function explained(
  copy: RehearseRequest["database"],
  { fingerprints, physical, touched }: PhysicalManifest,
  late: readonly string[],
  differences: Difference[],
): Promise<Unexplained> {
  if (differences.length === 0 || late.length === 0) return { lost: differences, unclear: [] };
  if (physical.method !== "snapshot") return { lost: [], unclear: differences };
  return unexplained(copy, { fingerprints, snapshot: physical.snapshot, touched }, differences);
}

function sizeOf(copy: RehearseRequest["database"]): Promise<number> {
  return withClient(copy, { applicationName: "safe-migration rehearse" }, async (client) => {
    const { rows } = await client.query<{ bytes: string }>("SELECT pg_database_size(current_database()) AS bytes");
    return Number(rows[0]?.bytes);
  });
}

function unsteady(
  { id, physical }: PhysicalManifest,
  late: readonly string[],
  differences: readonly Difference[],
): PipelineError {
  return new PipelineError({
    code: "BACKUP_UNSTEADY",
    kind: "failedUnchanged",
    message: `Backup ${id} could not be proved: ${late.length} transaction(s) were committed after its fingerprints were begun, and are in what came back, ${endOf(physical)}: ${describeDifferences(differences)}. Nothing is lost by that.`,
    state: "The database is as it was; what was recovered beside it is removed.",
    next: `Run the same command again: it takes another instant${physical.method === "snapshot" ? "; at a calmer time, where more rows are written to while the DB snapshot is made than are noted" : ""}.`,
  });
}

function endOf(physical: PhysicalBackup): string {
  return physical.method === "snapshot"
    ? `DB snapshot ${physical.identifier}`
    : `up to restore point ${physical.restorePoint.name}`;
}
