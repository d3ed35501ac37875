import { bundlePipeline } from "../../tools/build/bundle.js";
import { LocalPostgres } from "../localPostgres.js";
import { LocalRunner } from "../runner.js";
import type { Environment, EnvironmentArgs } from "./environment.js";
import { folderOrThrow, localProject } from "./here.js";

/** The stack's own cluster on this machine. */
export async function localEnvironment(args: EnvironmentArgs): Promise<Environment> {
  const { name, config, paths, run } = args;
  const { database, sample } = config;
  if (database.kind !== "local") throw new Error(`not a local database: ${database.kind}`);
  const bundle = await bundlePipeline(paths);
  const runner = new LocalRunner(bundle.cli);
  const project = localProject(paths, bundle);
  const postgres = new LocalPostgres("postgres", {
    environment: name,
    directory: paths.cluster,
    database: database.name,
    owner: database.owner,
    schema: database.schema,
    port: database.port,
    ...(sample.enabled ? { sample } : {}),
    project,
    run,
    runner,
  });
  const store = folderOrThrow(paths);
  return { database: postgres.database, project, store, runner, connection: postgres.connection };
}
