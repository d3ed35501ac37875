import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { StageContext } from "../../pipeline/context.js";
import { type Database, type StageRequest, stageRequest } from "../../pipeline/contracts.js";
import { ensureCluster } from "../../pipeline/local/cluster.js";
import { removeCluster } from "../../pipeline/local/stop.js";
import { ensureDatabase } from "../../pipeline/local/database.js";
import { ensureSample } from "../../pipeline/local/sample.js";
import { silent } from "../../pipeline/log.js";
import { bundleChecks } from "../build/bundle.js";

const root = resolve(__dirname, "../..");

/** A stack that is there for the drill alone: a cluster, a database with sample data, a store, a copy of the sample project. */
export interface ScratchStack {
  readonly database: Database;
  readonly migrations: string;
  /** A request of a run of its own. */
  request(application: StageRequest["settings"]["application"]): StageRequest;
  /** Adds a migration to the copied project. */
  addMigration(name: string, sql: string): Promise<void>;
  removeMigration(name: string): Promise<void>;
  /** Stops the cluster and removes everything. */
  remove(): Promise<void>;
}

/** Makes it outside of the checkout, so that nothing of a user's local stack is touched. */
export async function makeScratchStack(
  size: { readonly users: number; readonly orders: number },
  context: StageContext,
): Promise<ScratchStack> {
  const folder = await mkdtemp(join(tmpdir(), "safe-migration-drill-"));
  const directory = join(folder, "cluster");
  const remove = async (): Promise<void> => {
    const anyway = { log: silent, signal: new AbortController().signal };
    await removeCluster(directory, anyway).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const project = join(folder, "prisma");
    await mkdir(project);
    await cp(join(root, "prisma/schema.prisma"), join(project, "schema.prisma"));
    await cp(join(root, "prisma/migrations"), join(project, "migrations"), { recursive: true });
    const paths = { schema: join(project, "schema.prisma"), migrations: join(project, "migrations") };
    const shipped = { schema: join(root, "prisma/schema.prisma"), migrations: join(root, "prisma/migrations") };
    const checks = await bundleChecks({
      build: join(root, ".build"),
      checks: join(root, "prisma/checks.ts"),
      ...shipped,
    });
    const cluster = await ensureCluster({ directory, port: 0, ...context });
    const name = { name: "happy_baby_style", owner: "happy_baby_style", environment: "local" };
    const database = await ensureDatabase(cluster, { ...name, ...context });
    await ensureSample(database, paths, { ...size, ...context });
    let runs = 0;
    return {
      database,
      migrations: paths.migrations,
      remove,
      request: (application) =>
        stageRequest.parse({
          environment: "local",
          run: `drill-${++runs}`,
          database,
          project: { ...paths, ...(checks === undefined ? {} : { checks }) },
          store: pathToFileURL(join(folder, "store")).href,
          settings: { backup: {}, preflight: {}, migrate: {}, application },
        }),
      async addMigration(migration, sql) {
        await mkdir(join(paths.migrations, migration));
        await writeFile(join(paths.migrations, migration, "migration.sql"), sql);
      },
      removeMigration: (migration) => rm(join(paths.migrations, migration), { recursive: true }),
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
