import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { bundlePipeline } from "../build/bundle.js";
import { type Config, type Paths, parseConfig, resolvePaths } from "../../config.js";
import type { Database, StageRequest } from "../../pipeline/contracts.js";
import { PipelineError, messageOf } from "../../pipeline/errors.js";
import { localDatabase } from "../../pipeline/local/database.js";
import { newRunId } from "../../pipeline/runId.js";

const root = resolve(__dirname, "../..");

/** An environment as the commands that people type see it. */
export interface Target {
  readonly environment: string;
  readonly config: Config;
  readonly paths: Paths;
}

const stackFile = z.object({ config: z.record(z.string(), z.unknown()).nullish() }).nullable();

/** Reads the environment's configuration from its stack's file. @throws PipelineError, ConfigError */
export async function readTarget(environment: string): Promise<Target> {
  const path = join(root, `Pulumi.${environment}.yaml`);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new PipelineError(
      {
        code: "NO_STACK",
        kind: "usage",
        message: `There is no environment "${environment}": ${path} cannot be read (${messageOf(error)}).`,
        state: "Nothing was touched.",
        next: "Name another one with NODE_ENV (development, staging, production; unset: local), or make that file.",
      },
      { cause: error },
    );
  }
  const config = parseConfig(environment, stackFile.parse(parse(text))?.config ?? {});
  return { environment, config, paths: resolvePaths(config, root) };
}

/** How the target's database is reached. @throws PipelineError where it was never made. */
export function targetDatabase({ config, paths, environment }: Target): Promise<Database> {
  return localDatabase(paths.cluster, { name: config.database.name, owner: config.database.owner, environment });
}

/** The request for a stage that is run by hand; `run` names the run it belongs to, a new one unless given. */
export async function requestFor(target: Target, run = newRunId()): Promise<StageRequest> {
  const { config, environment, paths } = target;
  const database = await targetDatabase(target);
  const { checks } = await bundlePipeline(paths);
  return {
    environment,
    run,
    database,
    project: {
      schema: paths.schema,
      migrations: paths.migrations,
      ...(checks === undefined ? {} : { checks }),
    },
    store: paths.storeUrl,
    settings: { backup: config.backup, preflight: config.preflight, migrate: config.migrate },
  };
}
