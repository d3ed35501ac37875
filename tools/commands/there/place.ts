import type { Database } from "../../../pipeline/contracts.js";
import { PipelineError, messageOf } from "../../../pipeline/errors.js";
import { npmRun } from "../../../pipeline/npmRun.js";
import { run } from "../../../pipeline/process.js";
import { type Told, projectName } from "../../../config.js";
import { readOutputs } from "../../stack/outputs.js";
import { type Place, prepare } from "../../stack/workspace.js";
import { troubleOf } from "../../stack/trouble.js";
import type { Connection } from "../../command-plugin/inputs.js";
import type { Target } from "../target.js";
import { configuredPlace } from "./configured.js";
import { type KnownPlace, knownPlace } from "./known.js";
import { type Recorded, readRecorded } from "./recorded.js";

/** Where an environment's database and store are, and the host that its stages run on. */
export interface TargetPlace {
  readonly database: Database;
  readonly store: string;
  /** Whose backups its host may read, for it to be refreshed from. */
  readonly refreshFrom?: NonNullable<KnownPlace["refreshFrom"]>;
  /** What the stack made for what its pipeline has to say. */
  readonly told?: Told;
  /** Absent where stages run on this machine. */
  readonly host?: Omit<Connection, "dialErrorLimit" | "perDialTimeout">;
  /** That host's identity: an instance of EC2, where it is the stack's own. */
  readonly instance?: string;
}

/** @throws PipelineError where no update of the stack has come so far, or its state cannot be read. */
export async function placeOf(target: Target): Promise<TargetPlace> {
  const { environment, config } = target;
  const place = prepare(environment, process.env);
  const { host, refreshFrom, ...found } = await readPlace(target, place);
  const known = { ...found, ...(refreshFrom === undefined ? {} : { refreshFrom }) };
  if (host === undefined) return known;
  const { address, port, user, hostKey, instance } = host;
  const secret = (path: string) => readSecret(environment, place, path);
  const { proxy } = config.connection;
  return {
    ...known,
    instance,
    host: {
      host: address,
      port,
      user,
      hostKey,
      privateKey: await secret("connection.privateKey"),
      ...(proxy === undefined
        ? {}
        : {
            proxy: {
              host: proxy.host,
              port: proxy.port,
              user: proxy.user,
              hostKey: proxy.hostKey,
              privateKey: await secret("connection.proxy.privateKey"),
              dialErrorLimit: 3,
              perDialTimeout: 15,
            },
          }),
    },
  };
}

/** URL of the environment's store: the folder of this machine, or where its stack says that it is. */
export async function storeUrlOf(target: Target): Promise<string> {
  if (target.paths.folderUrl !== undefined) return target.paths.folderUrl;
  return (await readPlace(target, prepare(target.environment, process.env))).store;
}

/**
 * From the configuration, where that says it; else from the stack's state, which does also after an update that failed, and of a stack that
 * an earlier version brought up from its outputs.
 */
async function readPlace(target: Target, place: Place): Promise<KnownPlace> {
  const { environment } = target;
  const configured = configuredPlace(target);
  let recorded: Recorded;
  try {
    recorded = await readRecorded(environment, place);
    const found = recorded.place ?? (await readOutputs(environment, place, "clear"));
    const known = knownPlace.safeParse({ ...found, ...configured });
    if (known.success) return known.data;
  } catch (error) {
    const known = knownPlace.safeParse(configured);
    if (known.success) return known.data;
    const said = messageOf(error);
    throw troubleOf(environment, said) ?? unknownPlace(environment, said.split("\n").slice(-2).join(" "), asks);
  }
  throw recorded.resources === 0
    ? unknownPlace(environment, "it has no resources, as it was never brought up, or it was destroyed", "")
    : unknownPlace(
        environment,
        `${recorded.resources} of its resources are there, but no update has come so far that its database can be reached`,
        ", and goes on where the last one ended",
      );
}

const asks = "; where it is up, log in to the backend that has its state (pulumi login), then run the same command";

/** Pulumi gives it on standard output; no other way would keep it from the list of processes. */
async function readSecret(stack: string, { workDir, env }: Place, path: string): Promise<string> {
  const args = ["config", "get", "--stack", stack, "--path", `${projectName}:${path}`, "--non-interactive"];
  const { exitCode, stdout, stderr } = await run("pulumi", args, { cwd: workDir, env });
  if (exitCode === 0) return stdout;
  const trouble = troubleOf(stack, stderr);
  if (trouble !== undefined) throw trouble;
  throw new PipelineError({
    code: "NO_KEY",
    kind: "refused",
    message: `${path} cannot be read from the configuration of "${stack}": ${stderr.trim()}`,
    state: "Nothing was touched.",
    next: `npm run keys -- --stack ${stack} makes keys, where there are none; then run the same command.`,
  });
}

function unknownPlace(environment: string, reason: string, more: string): PipelineError {
  return new PipelineError({
    code: "NO_OUTPUTS",
    kind: "refused",
    message: `Where the database of "${environment}" is cannot be read from its stack's state: ${reason}.`,
    state: "Nothing was touched.",
    next: `${npmRun("local", "up", "--stack", environment)}, which brings it up${more}.`,
  });
}
