import { migrateStatusResult, resolveResult } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { environmentOf } from "../../pipeline/npmRun.js";
import { describeResolution } from "../../pipeline/prisma/resolve.js";
import { processOptions } from "../../pipeline/processOptions.js";
import { parseFlags } from "../prisma/arguments.js";
import { type PrismaCommandName, prismaCommand } from "../prisma/command.js";
import { say } from "../prisma/output.js";
import { resolutionOf } from "../prisma/resolve.js";
import { tellStatus } from "../prisma/status.js";
import { reportFailure } from "./reportFailure.js";
import { type Target, readTarget, storeOf, targetDatabase } from "./target.js";
import { withStages } from "./there/withStages.js";

/** The seed's `prisma:*` commands, for the environment that NODE_ENV or `--environment` names. */
async function main([name = "", ...given]: readonly string[]): Promise<number> {
  const { environment = environmentOf(process.env["NODE_ENV"]), args } = withoutEnvironment(withName(given));
  const target = readTarget(environment);
  const { paths } = target;
  if (target.config.database.kind !== "local" && (name === "status" || name === "resolve"))
    return whereItIs(name, args, target);
  return prismaCommand(name as PrismaCommandName, args, {
    environment,
    ...(name === "generate" ? {} : { database: await targetDatabase(target), store: storeOf(target) }),
    project: { schema: paths.schema, migrations: paths.migrations },
  });
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
        return tellStatus(environment, migrateStatusResult.parse(await run("migrate-status", request)).status);
      const result = resolveResult.parse(await run("resolve", { ...request, found }));
      say(describeResolution(result.found));
      return 0;
    });
  } catch (error) {
    if (error instanceof PipelineError && told.has(error)) return error.exitCode;
    throw error;
  }
}

/** `npm run prisma:migrate:dev --name add_x`, as the plan has it: without `--` npm keeps the flag, and hands it on here. */
function withName(args: readonly string[]): readonly string[] {
  const name = process.env["npm_config_name"];
  return name === undefined || name === "" || args.some((arg) => /^(-n|--name)\b/.test(arg))
    ? args
    : [...args, "--name", name];
}

/** Takes `--environment NAME`, which is this project's own, out of what Prisma's commands know. */
function withoutEnvironment(args: readonly string[]): {
  readonly environment?: string;
  readonly args: readonly string[];
} {
  const split = args.flatMap((arg) => /^(--environment)=(.*)$/s.exec(arg)?.slice(1) ?? [arg]);
  const at = split.indexOf("--environment");
  const named = at < 0 ? process.env["npm_config_environment"] : split[at + 1];
  return {
    ...(named === undefined || named === "" ? {} : { environment: named }),
    args: at < 0 ? args : [...split.slice(0, at), ...split.slice(at + 2)],
  };
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => reportFailure(error),
);
