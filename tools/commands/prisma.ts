import { migrateStatusResult, resolveResult } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { environmentOf, npmRun } from "../../pipeline/npmRun.js";
import { describeResolution } from "../../pipeline/prisma/resolve.js";
import { processOptions } from "../../pipeline/processOptions.js";
import { parseFlags, resolutionOf } from "../prisma/arguments.js";
import { type PrismaCommandName, prismaCommand } from "../prisma/command.js";
import { assertDisposable } from "../prisma/disposable.js";
import { say } from "../prisma/output.js";
import { tellStatus } from "../prisma/status.js";
import { reportFailure } from "./reportFailure.js";
import { type Target, readTarget, storeOf, targetDatabase } from "./target.js";
import { placeOf } from "./there/place.js";
import { withStages } from "./there/withStages.js";

/** The seed's `prisma:*` commands, for the environment that NODE_ENV or `--stack` names. */
async function main([name = "", ...args]: readonly string[]): Promise<number> {
  if (name === "generate") return generate(args);
  const environment = parseFlags(name, args, environmentOf(process.env["NODE_ENV"])).stack;
  const target = readTarget(environment);
  if (target.config.database.kind !== "local" && (name === "status" || name === "resolve"))
    return whereItIs(name, args, target);
  if (target.config.database.kind !== "local" && name === "reset") return resetFromHere(args, target);
  return prismaCommand(name as PrismaCommandName, args, {
    environment,
    database: await targetDatabase(target),
    store: storeOf(target),
    project: projectOf(target),
  });
}

/** What is not this project's own flag is Prisma's, which knows its own, and its help. */
function generate(given: readonly string[]): Promise<number> {
  const { environment = environmentOf(process.env["NODE_ENV"]), args } = withoutEnvironment(given);
  return prismaCommand("generate", args, { environment, project: projectOf(readTarget(environment)) });
}

function projectOf({ paths: { schema, migrations } }: Target): { schema: string; migrations: string } {
  return { schema, migrations };
}

/** On the host of an environment, or here where its database is reached from here. */
async function whereItIs(name: "status" | "resolve", args: readonly string[], target: Target): Promise<number> {
  const { environment } = target;
  const flags = parseFlags(name, args, environment);
  const found = name === "resolve" ? resolutionOf(flags, environment) : undefined;
  const options = processOptions("text", "warn");
  const told = new WeakSet<PipelineError>();
  try {
    return await withStages(target, options, told, async (request, run) => {
      if (found === undefined)
        return tellStatus(environment, migrateStatusResult.parse(await run("migrate-status", request)).status, flags);
      const result = resolveResult.parse(await run("resolve", { ...request, found }));
      say(describeResolution(result.found));
      return 0;
    });
  } catch (error) {
    if (error instanceof PipelineError && told.has(error)) return error.exitCode;
    throw error;
  }
}

/** Of a `dev` whose database is reached from here. @throws PipelineError (`refused`) for any other environment, or where it is not */
async function resetFromHere(args: readonly string[], target: Target): Promise<number> {
  const { environment } = target;
  assertDisposable(environment, "reset", `To go back to a backup: ${npmRun(environment, "db:restore")}`);
  const { host, database, store } = await placeOf(target);
  if (host !== undefined)
    throw new PipelineError({
      code: "NOT_FROM_HERE",
      kind: "refused",
      message: `The database of "${environment}" is reached from its host only, and prisma:migrate:reset works where it is reached from here.`,
      state: "Nothing was touched.",
      next: `To go back to a backup: ${npmRun(environment, "db:restore")}`,
    });
  return prismaCommand("reset", args, { environment, database, store, project: projectOf(target) });
}

/** Takes `--stack NAME` (or `--environment`), which is this project's own, out of what Prisma knows. */
function withoutEnvironment(args: readonly string[]): {
  readonly environment?: string;
  readonly args: readonly string[];
} {
  const split = args.flatMap((arg) => /^(--environment|--stack)=(.*)$/s.exec(arg)?.slice(1) ?? [arg]);
  const at = split.findIndex((arg) => arg === "--environment" || arg === "--stack");
  const named = at < 0 ? (process.env["npm_config_stack"] ?? process.env["npm_config_environment"]) : split[at + 1];
  return {
    ...(named === undefined || named === "" ? {} : { environment: named }),
    args: at < 0 ? args : [...split.slice(0, at), ...split.slice(at + 2)],
  };
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => reportFailure(error),
);
