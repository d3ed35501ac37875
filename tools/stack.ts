/**
 * `up`, `preview`, `destroy`, `outputs`, `export` and `start` of a stack: Pulumi's own engine, running the checkout's
 * `index.ts` as an inline program of the Automation API, so that Pulumi's language host is not needed.
 */
import { join } from "node:path";
import { CommandError, ConcurrentUpdateError, StackNotFoundError, type Stack } from "@pulumi/pulumi/automation";
import { beforePromotionVariable } from "../components/promotion.js";
import { nowVariable } from "../pipeline/window/assert.js";
import { confirm } from "./commands/confirm.js";
import { parse, type Arguments } from "./stack/arguments.js";
import { isOnAws, missingAwsPlugin } from "./stack/awsPlugin.js";
import { busy, clearUp, holders } from "./stack/clearUp.js";
import { cli } from "./stack/cli.js";
import { StackFailure, again, exit, report, saidBy, upCommand } from "./stack/failure.js";
import { Interrupt } from "./stack/interrupt.js";
import { assertKnown } from "./stack/knownStacks.js";
import { programOf } from "./stack/program.js";
import { describeProtected, protectedIn } from "./stack/protected.js";
import { purge } from "./stack/purge.js";
import { say } from "./stack/say.js";
import { readStackFile } from "./stack/stackFile.js";
import { EngineStream } from "./stack/stream.js";
import { renderTable, visible } from "./stack/table.js";
import { localFolder, open, prepare, root, type Place } from "./stack/workspace.js";

const interrupt = new Interrupt();
const colour = process.stdout.isTTY && !process.env.NO_COLOR ? "always" : "never";

async function main(args: Arguments): Promise<void> {
  // Read by index.ts, which runs in this process.
  if (args.now !== undefined) process.env[nowVariable] = args.now;
  if (args.beforePromotion === true) process.env[beforePromotionVariable] = "yes";
  if (args.command === "up" || args.command === "preview") assertKnown(root, args.stack);
  const place = await withPlugins(args, prepare(args.stack, process.env));
  switch (args.command) {
    case "start":
    case "up":
      await up(args, place);
      break;
    case "preview":
      await preview(args, place);
      break;
    case "destroy":
      await destroy(args, place);
      break;
    case "outputs":
      process.stdout.write(`${JSON.stringify(await outputs(args, place), null, 2)}\n`);
      break;
    case "export": {
      const stack = await openExisting(args, place);
      process.stdout.write(cli(stack, ["stack", "export"]));
      break;
    }
  }
}

/** Where the engine will not get the `aws` plugin, it is not let try for long, and what to do is known. */
async function withPlugins(args: Arguments, place: Place): Promise<Place> {
  if (args.command === "outputs" || args.command === "export") return place;
  if (!isOnAws(readStackFile(join(root, `Pulumi.${args.stack}.yaml`)))) return place;
  const missing = await missingAwsPlugin(process.env);
  return missing === undefined
    ? place
    : { ...place, env: { ...place.env, ...missing.env }, withoutAws: missing.message };
}

async function up(args: Arguments, place: Place): Promise<void> {
  tellStandIn();
  interrupt.install(say);
  const stack = await open(args.stack, place, programOf(join(root, "index.ts")), true);
  await clearUp(args, place, stack);
  const result = await engine(args, place, (options) =>
    stack.up({ ...options, suppressOutputs: args.command === "start" }),
  );
  if (args.command === "start") {
    process.stdout.write(`\n${renderTable(visible(result.outputs), process.stdout.columns || 100)}\n`);
  }
}

async function preview(args: Arguments, place: Place): Promise<void> {
  tellStandIn();
  interrupt.install(say);
  const stack = await open(args.stack, place, programOf(join(root, "index.ts")), true);
  await engine(args, place, (options) => stack.preview(options));
}

async function destroy(args: Arguments, place: Place): Promise<void> {
  await confirm(args.stack, { stage: "destroy" }, args.yes);
  interrupt.install(say);
  const stack = await openExisting(args, place);
  // The engine would come to them only after it has deleted all that depends on them.
  const kept = protectedIn(cli(stack, ["stack", "export"]));
  if (kept.length > 0) throw new StackFailure(describeProtected(args.stack, kept), exit.refused);
  await clearUp(args, place, stack);
  await engine(args, place, (options) => stack.destroy(options));
  if (args.purge) {
    purge(localFolder);
    say(`${localFolder} was removed, with the database and all its backups`);
  } else if (args.stack === "local") {
    say(`The data is still in ${localFolder}: npm start goes on with it; npm run destroy -- --purge removes it`);
  }
}

async function outputs(args: Arguments, place: Place): Promise<Record<string, unknown>> {
  const stack = await openExisting(args, place);
  const all = visible(await stack.outputs());
  if (Object.keys(all).length === 0) {
    throw new StackFailure(
      `The stack ${args.stack} has no outputs: it was never brought up, or it was destroyed. Run: ${upCommand(args)}`,
      exit.refused,
    );
  }
  return all;
}

async function openExisting(args: Arguments, place: Place): Promise<Stack> {
  try {
    return await open(args.stack, place, undefined, false);
  } catch (error) {
    if (!(error instanceof StackNotFoundError)) throw error;
    assertKnown(root, args.stack);
    throw new StackFailure(`There is no stack ${args.stack} yet. Run: ${upCommand(args)}`, exit.refused);
  }
}

interface EngineOptions {
  readonly onOutput: (chunk: string) => void;
  readonly color: "always" | "never";
  readonly signal: AbortSignal;
}

/** Runs one of the engine's operations, showing what it says; turns its failure into one message. */
async function engine<T>(args: Arguments, place: Place, run: (options: EngineOptions) => Promise<T>): Promise<T> {
  const stream = new EngineStream((line) => process.stdout.write(`${line}\n`));
  try {
    return await run({ onOutput: (chunk) => stream.write(chunk), color: colour, signal: interrupt.signal });
  } catch (error) {
    stream.end();
    if (error instanceof ConcurrentUpdateError) throw busy(args, holders(args, place)[0]);
    if (!(error instanceof CommandError)) throw error;
    if (interrupt.happened) {
      throw new StackFailure(
        `Stopped. The state of ${args.stack} is saved and its lock is free; what was running has been cancelled. To go on: ${upCommand(args)}`,
        exit.interrupted,
      );
    }
    // Pulumi refuses some things, a value of a wrong type among them, before its engine has anything to show.
    if (!stream.explained) throw new StackFailure(`pulumi refused: ${saidBy(error)}`, exit.failed);
    if (stream.withoutAws && place.withoutAws !== undefined) throw new StackFailure(place.withoutAws, exit.refused);
    const what = stream.failed.length > 0 ? stream.failed.join(", ") : `the ${args.command} of ${args.stack}`;
    const then =
      args.command === "preview"
        ? `A preview changes nothing. Once the cause is mended: ${again(args)}`
        : `What was done before it is saved in the state; once the cause is mended, ${again(args)} goes on from there.`;
    throw new StackFailure(`${what}: failed, for the reason under Diagnostics above. ${then}`, exit.failed);
  } finally {
    stream.end();
  }
}

function tellStandIn(): void {
  if (process.env.SAFE_MIGRATION_COMMAND_PLUGIN !== "stand-in") return;
  say(
    "Pulumi's download cannot be reached: the stand-in of tools/command-plugin takes the place of the command plugin 1.2.1",
  );
}

async function run(): Promise<number> {
  try {
    await main(parse(process.argv.slice(2), process.env.NODE_ENV));
    return 0;
  } catch (error) {
    return report(error);
  }
}

// The Automation API leaves its server's handles open; what was printed must be out before the end.
void run().then((code) => process.stdout.write("", () => process.exit(code)));
