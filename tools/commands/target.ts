import { join, resolve } from "node:path";
import { bundleChecks } from "../build/bundle.js";
import {
  type Config,
  type Paths,
  parseConfig,
  resolvePaths,
  stageSettings,
  type Told,
  withTold,
} from "../../config.js";
import type { Database, Project, StageRequest } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { localDatabase } from "../../pipeline/local/database.js";
import { newRunId } from "../../pipeline/runId.js";
import { readOverride, withOverride } from "../windowOverride.js";
import { describeUnknown, forNew, isKnown } from "../stack/knownStacks.js";
import { readStackFile } from "../stack/stackFile.js";

const root = resolve(__dirname, "../..");

/** An environment as the commands that people type see it. */
export interface Target {
  readonly environment: string;
  readonly config: Config;
  readonly paths: Paths;
}

/**
 * Reads the environment's configuration from its stack's file.
 *
 * @param options `whole: false`: what is only needed to bring the stack up may be unset yet.
 * @throws PipelineError, StackFileError, ConfigError
 */
export function readTarget(environment: string, options: { readonly whole?: boolean } = {}): Target {
  const path = join(root, `Pulumi.${environment}.yaml`);
  // The local stack needs no settings.
  if (environment !== "local") assertStack(environment);
  const config = parseConfig(environment, readStackFile(path).config ?? {}, options);
  return { environment, config, paths: resolvePaths(config, root) };
}

/** @throws PipelineError (`usage`) with the stacks that there are, where none has this name. */
export function assertStack(name: string): void {
  if (isKnown(root, name)) return;
  throw new PipelineError({
    code: "NO_STACK",
    kind: "usage",
    message: describeUnknown(root, name),
    state: "Nothing was touched.",
    next: `Name one of those (by --stack, or NODE_ENV: development, staging, production, or its own name; neither: local). ${forNew}`,
  });
}

/** How the target's database is reached. @throws PipelineError where it was never made. */
export async function targetDatabase({ config, paths, environment }: Target): Promise<Database> {
  if (config.database.kind !== "local") throw notHere(environment);
  const { name, owner, schema } = config.database;
  return { ...(await localDatabase(paths.cluster, { name, owner, environment })), schema };
}

/** The request for a stage that is run by hand; `run` names the run it belongs to, a new one unless given. */
export async function requestFor(target: Target, run = newRunId()): Promise<StageRequest> {
  const database = await targetDatabase(target);
  return requestOf(target, { database, store: storeOf(target) }, run);
}

/** As {@link requestFor}, for a database and a store that are known. `project`: its paths where the stage runs; default: here. */
export async function requestOf(
  { config, environment, paths }: Target,
  place: { readonly database: Database; readonly store: string; readonly project?: Project; readonly told?: Told },
  run = newRunId(),
): Promise<StageRequest> {
  const { database, store, project, told } = place;
  const settings = withTold(withOverride(stageSettings(config), readOverride(root)), told ?? {});
  return { environment, run, database, store, project: project ?? (await projectHere(paths)), settings };
}

async function projectHere(paths: Paths): Promise<Project> {
  const checks = await bundleChecks(paths);
  return { schema: paths.schema, migrations: paths.migrations, ...(checks === undefined ? {} : { checks }) };
}

/** URL of the store, where it is on this machine. @throws PipelineError where it is elsewhere. */
export function storeOf({ environment, paths: { folderUrl } }: Target): string {
  if (folderUrl === undefined) throw notHere(environment);
  return folderUrl;
}

function notHere(environment: string): PipelineError {
  return new PipelineError({
    code: "NOT_LOCAL",
    kind: "usage",
    message: `The database or the store of "${environment}" is not on this machine, and this command only knows those that are.`,
    state: "Nothing was touched.",
    next: `npm run up -- --stack ${environment} runs the whole pipeline there.`,
  });
}
