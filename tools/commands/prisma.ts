import { environmentOf } from "../../pipeline/npmRun.js";
import { type PrismaCommandName, prismaCommand } from "../prisma/command.js";
import { reportFailure } from "./reportFailure.js";
import { readTarget, storeOf, targetDatabase } from "./target.js";

/** The seed's `prisma:*` commands, for the environment that NODE_ENV names. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  const target = readTarget(environmentOf(process.env["NODE_ENV"]));
  const { environment, paths } = target;
  return prismaCommand(name as PrismaCommandName, withName(args), {
    environment,
    ...(name === "generate" ? {} : { database: await targetDatabase(target), store: storeOf(target) }),
    project: { schema: paths.schema, migrations: paths.migrations },
  });
}

/** `npm run prisma:migrate:dev --name add_x`, as the plan has it: without `--` npm keeps the flag, and hands it on here. */
function withName(args: readonly string[]): readonly string[] {
  const name = process.env["npm_config_name"];
  return name === undefined || name === "" || args.some((arg) => /^(-n|--name)\b/.test(arg))
    ? args
    : [...args, "--name", name];
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => reportFailure(error),
);
