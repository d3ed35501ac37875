import { Command, InvalidArgumentError } from "commander";
import { mannerly, wholeNumber } from "../tools/commands/commandLine.js";
import { reportFailure } from "../tools/commands/reportFailure.js";

/** `npm run bench`: figures of this project beside what a user would otherwise do, side by side in one run. */

const unit: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9 };

function parseSize(text: string): number {
  const match = /^(\d+)(MB|GB)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("A number and MB or GB, e.g. 100MB.");
  return Number(match[1]) * (unit[match[2] ?? ""] ?? 0);
}

const parseCount = wholeNumber();
const program = mannerly(new Command("npm run bench --"), "npm run bench -- --help");
mannerly(program.command("pipeline", { isDefault: true }), "npm run bench -- help pipeline")
  .description("backup, restore and the whole pipeline beside pg_dump, psql and the plan's script")
  .option("--size <size>", "size of the generated database, e.g. 100MB or 1GB", parseSize, 100e6)
  .option("--repeat <n>", "runs of each figure; the median is shown", parseCount, 3)
  .option("--json", "print the figures as JSON")
  .action(async (options: { size: number; repeat: number; json?: boolean }) => {
    const { benchPipeline } = await import("./pipeline.js");
    await benchPipeline({ ...options, json: options.json === true });
  });

mannerly(program.command("risk"), "npm run bench -- help risk")
  .description("the risk classifier beside squawk, held to what PostgreSQL does when the same files are replayed")
  .option("--files <n>", "migrations of the made history", parseCount, 1000)
  .option("--seed <n>", "of the made history", parseCount, 1)
  .option("--history <folder...>", "migrations folders instead of a made history")
  .option("--repeat <n>", "runs of each time; the median is shown", parseCount, 3)
  .option("--json", "print everything as JSON, with the names of the files")
  .action(async (options: { files: number; seed: number; history?: string[]; repeat: number; json?: boolean }) => {
    const { benchRisk } = await import("./risk/index.js");
    await benchRisk({ ...options, history: options.history ?? [], json: options.json === true });
  });

mannerly(program.command("proof"), "npm run bench -- help proof")
  .description(
    "what proving costs (dump, fingerprint, restore, rehearsal, swap), and what an application meets while a migration is applied, here and with prisma migrate deploy",
  )
  .option(
    "--size <size...>",
    "sizes of the generated databases (default: 100MB 1GB); the application's part is of the first",
    (text: string, before?: number[]) => [...(before ?? []), parseSize(text)],
  )
  .option("--repeat <n>", "runs of each figure; the median is shown", parseCount, 3)
  .option("--json", "print the figures as JSON")
  .action(async (options: { size?: number[]; repeat: number; json?: boolean }) => {
    const { benchProof } = await import("./proof/index.js");
    await benchProof({ sizes: options.size ?? [100e6, 1e9], repeat: options.repeat, json: options.json === true });
  });

program.parseAsync().catch(reportFailure);
