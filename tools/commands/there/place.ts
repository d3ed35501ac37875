import { z } from "zod";
import { type Database, databaseSchema } from "../../../pipeline/contracts.js";
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

/** Where an environment's database and store are, and the host that its stages run on, from its stack's last outputs. */
export interface TargetPlace {
  readonly database: Database;
  readonly store: string;
  /** Whose backups its host may read, for it to be refreshed from. */
  readonly refreshFrom?: SourceStore;
  /** What the stack made for what its pipeline has to say. */
  readonly told?: Told;
  /** Absent where stages run on this machine. */
  readonly host?: Omit<Connection, "dialErrorLimit" | "perDialTimeout">;
  /** That host's identity: an instance of EC2, where it is the stack's own. */
  readonly instance?: string;
}

const sourceStore = z.object({ environment: z.string(), store: z.string() });
type SourceStore = z.infer<typeof sourceStore>;

const outputsSchema = z.object({
  database: databaseSchema,
  store: z.string(),
  refreshFrom: sourceStore.optional(),
  told: z.object({ topic: z.string().optional(), logGroup: z.string().optional() }).optional(),
  host: z
    .object({ address: z.string(), port: z.int(), user: z.string(), hostKey: z.string().min(1), instance: z.string() })
    .optional(),
});

/** @throws PipelineError where the stack has no outputs yet, or cannot be read. */
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

/** URL of the environment's store: the folder of this machine, or where its stack's outputs say that it is. */
export async function storeUrlOf(target: Target): Promise<string> {
  if (target.paths.folderUrl !== undefined) return target.paths.folderUrl;
  return (await readPlace(target, prepare(target.environment, process.env))).store;
}

/** From the stack's outputs; before there are any, from its configuration, where that says it. */
async function readPlace(target: Target, place: Place): Promise<z.infer<typeof outputsSchema>> {
  try {
    return await outputsOf(target.environment, place);
  } catch (error) {
    const configured = error instanceof PipelineError ? await configuredPlace(target, place) : undefined;
    if (configured === undefined) throw error;
    return configured;
  }
}

async function outputsOf(environment: string, place: Place): Promise<z.infer<typeof outputsSchema>> {
  const up = npmRun("local", "up", "--stack", environment);
  let values: Record<string, unknown>;
  try {
    values = await readOutputs(environment, place, "clear");
  } catch (error) {
    const said = messageOf(error);
    throw troubleOf(environment, said) ?? unknownPlace(environment, said.split("\n").slice(-2).join(" "), up);
  }
  const parsed = outputsSchema.safeParse(values);
  if (!parsed.success) throw unknownPlace(environment, "its last update did not come so far as to say so", up);
  return parsed.data;
}

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

function unknownPlace(environment: string, reason: string, up: string): PipelineError {
  return new PipelineError({
    code: "NO_OUTPUTS",
    kind: "refused",
    message: `Where the database of "${environment}" is cannot be read from its stack's outputs: ${reason}.`,
    state: "Nothing was touched.",
    next: `${up}, which brings it up; where it is up, log in to the backend that has its state (pulumi login), then run the same command.`,
  });
}
