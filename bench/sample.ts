import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import type { Database } from "../pipeline/contracts.js";
import { ensureCluster } from "../pipeline/local/cluster.js";
import { removeCluster } from "../pipeline/local/stop.js";
import { ensureDatabase } from "../pipeline/local/database.js";
import { ensureSample, sizeFor } from "../pipeline/local/sample.js";
import { silent } from "../pipeline/log.js";
import { findBinaries } from "../pipeline/postgres/binaries.js";
import { maintenanceDatabase, withClient } from "../pipeline/postgres/connection.js";
import { serverVersionNumber } from "../pipeline/postgres/databaseProperties.js";
import { chooseCompression } from "../pipeline/postgres/dump.js";
import { bundlePipeline } from "../tools/build/bundle.js";

export const root = resolve(__dirname, "..");

/** A server of its own with the sample's data, as a user's would be: with its defaults, which lose nothing. */
export interface SampleDatabase {
  /** Removed in the end. */
  readonly folder: string;
  readonly database: Database;
  /** The sample's project; its newest migrations are pending. */
  readonly project: { readonly schema: string; readonly migrations: string; readonly checks?: string };
  /** The bundled CLI of the stages, as a Command runs it. */
  readonly cli: string;
  /** Of the database, as it is then. */
  readonly bytes: number;
  readonly signal: AbortSignal;
}

/**
 * Makes one of about a size, and removes it with its server after the work, however that ends.
 *
 * @param size in bytes
 */
export async function withSample<T>(
  { size, name = "bench", say }: { size: number; name?: string; say: (text: string) => void },
  work: (sample: SampleDatabase) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "safe-migration-bench-"));
  const controller = new AbortController();
  const stop = () => controller.abort(new Error("SIGINT"));
  process.once("SIGINT", stop);
  const { signal } = controller;
  const context = { log: silent, signal };
  const directory = join(folder, "cluster");
  try {
    say(`making a cluster and ${Math.round(size / 1e6)} MB of sample data …`);
    const cluster = await ensureCluster({ directory, ...context });
    const options = { name, owner: "bench_owner", environment: "local", ...context } as const;
    const database = await ensureDatabase(cluster, options);
    const source = { schema: join(root, "prisma/schema.prisma"), migrations: join(root, "prisma/migrations") };
    const build = { root, build: join(root, ".build"), checks: join(root, "prisma/checks.ts"), ...source };
    const { cli, checks } = await bundlePipeline(build);
    const project = { ...source, ...(checks === undefined ? {} : { checks }) };
    await ensureSample(database, project, { ...sizeFor(size), ...context });
    const bytes = await databaseBytes(database);
    return await work({ folder, database, project, cli, bytes, signal });
  } finally {
    process.off("SIGINT", stop);
    await removeCluster(directory, { log: silent, signal: new AbortController().signal }).catch((error: unknown) =>
      say(`the cluster in ${directory} could not be removed: ${String(error)}`),
    );
    await rm(folder, { recursive: true, force: true });
  }
}

export function onMaintenance<T>(database: Database, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return withClient(database, { applicationName: "bench", database: maintenanceDatabase }, work);
}

async function databaseBytes(database: Database): Promise<number> {
  const { rows } = await withClient(database, { applicationName: "bench" }, (client) =>
    client.query<{ bytes: string }>("SELECT pg_database_size(current_database()) AS bytes"),
  );
  return Number(rows[0]?.bytes);
}

export async function serverMajor(database: Database): Promise<number> {
  return Math.floor((await withClient(database, { applicationName: "bench" }, serverVersionNumber)) / 10_000);
}

/** What the figures depend on beside the code. */
export async function surroundings(database: Database): Promise<string> {
  const { pgDump } = await findBinaries(await serverMajor(database));
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const compression = await chooseCompression(pgDump);
  return (
    `${availableParallelism()} processors, load ${load} at the end; Node.js ${process.versions.node}; ` +
    `PostgreSQL ${pgDump.version}, compression ${compression}`
  );
}
