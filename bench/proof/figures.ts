import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type RestoreResult, backupResult, rehearseResult, restoreResult } from "../../pipeline/contracts.js";
import { findBinaries } from "../../pipeline/postgres/binaries.js";
import { libpqEnvironment } from "../../pipeline/postgres/connection.js";
import { chooseCompression } from "../../pipeline/postgres/dump.js";
import { fingerprintDatabase } from "../../pipeline/postgres/fingerprint.js";
import { silent } from "../../pipeline/log.js";
import { type Measured, measure, median, times } from "../measure.js";
import { type SampleDatabase, onMaintenance, serverMajor } from "../sample.js";
import { requestOf, runStage } from "./stage.js";

const jobs = 2;

/** Seconds of each; medians. */
export interface ProofFigures {
  /** `pg_dump --format=directory`, as the backup runs it. */
  readonly dump: number;
  /** Of every table, on the server; beside nothing else. */
  readonly fingerprint: number;
  /** The whole process, as are the next two: dump and fingerprints side by side, checksums, manifest. */
  readonly backup: number;
  /** Checksums, loading, fingerprints, swap. */
  readonly restore: number;
  /** Of the restore: from the first session ended to the new database in place. */
  readonly swap: number;
  /** The backup restored, the pending migrations applied, taken back and applied again, with every comparison. */
  readonly rehearsal: number;
  readonly migrations: number;
  /** `psql -f backup.sql` into an empty database, as the plan restores. */
  readonly psql: number;
}

export async function proofFigures(
  sample: SampleDatabase,
  repeat: number,
  say: (text: string) => void,
): Promise<ProofFigures> {
  const { database, folder, signal } = sample;
  const env = await libpqEnvironment(database);
  const { pgDump } = await findBinaries(await serverMajor(database));
  const compression = await chooseCompression(pgDump);
  const each = <T>(work: (at: number) => Promise<T>): Promise<T[]> =>
    times(repeat, (at) => {
      signal.throwIfAborted();
      return work(at);
    });

  say("dump and fingerprint …");
  const target = join(folder, "dump");
  const args = ["--format=directory", `--jobs=${jobs}`, `--compress=${compression}`, "--no-password", "--file", target];
  const dump = await each(async () => {
    const measured = await measure(pgDump.path, args, { env });
    await rm(target, { recursive: true });
    return measured;
  });
  const fingerprint = await each(async () => {
    const started = performance.now();
    await fingerprintDatabase(database, { jobs, log: silent, signal });
    return { seconds: (performance.now() - started) / 1_000 };
  });

  say("backup and rehearsal …");
  const backups = await each(async () => {
    const request = requestOf(sample, sample.project);
    const measured = await runStage(sample, "backup", request);
    return { ...measured, request, made: backupResult.parse(measured.printed) };
  });
  const rehearsals = await each(async (at) => {
    const of = backups[at];
    if (of === undefined) throw new Error("there is no backup to rehearse");
    const measured = await runStage(sample, "rehearse", { ...of.request, backup: of.made });
    return { ...measured, result: rehearseResult.parse(measured.printed) };
  });

  say("restore, here and with psql …");
  const restores = await each(async (): Promise<Measured & { result: RestoreResult }> => {
    const request = { ...requestOf(sample, sample.project), backup: backups[0]?.made.id };
    const measured = await runStage(sample, "restore", request);
    const result = restoreResult.parse(measured.printed);
    const { dropKept = "" } = result;
    await onMaintenance(database, (client) => client.query(dropKept));
    return { ...measured, result };
  });
  const file = join(folder, "backup.sql");
  await measure("pg_dump", ["--no-password", "--file", file], { env });
  const psql = await each(async (at) => {
    const name = `plain_${at}`;
    await onMaintenance(database, (client) => client.query(`CREATE DATABASE ${name}`));
    const options = ["--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null", "--file", file];
    const measured = await measure("psql", options, { env: { ...env, PGDATABASE: name } });
    await onMaintenance(database, (client) => client.query(`DROP DATABASE ${name}`));
    return measured;
  });
  await rm(file);
  const rehearsal = median(rehearsals);
  return {
    dump: median(dump).seconds,
    fingerprint: median(fingerprint).seconds,
    backup: median(backups).seconds,
    restore: median(restores).seconds,
    swap: median(restores.map(({ result }) => ({ seconds: result.swapMs / 1_000 }))).seconds,
    rehearsal: rehearsal.seconds,
    migrations: rehearsal.result.verdict === "proved" ? rehearsal.result.migrations.length : 0,
    psql: median(psql).seconds,
  };
}
