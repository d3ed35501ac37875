import { join } from "node:path";
import { CommandError, ConcurrentUpdateError, StackNotFoundError, type Stack } from "@pulumi/pulumi/automation";
import { confirm } from "../commands/confirm.js";
import { adviceOn } from "./advice.js";
import type { Arguments } from "./arguments.js";
import { isOnAws, missingAwsPlugin } from "./awsPlugin.js";
import { busy, clearUp, holders } from "./clearUp.js";
import { StackFailure, again, exit, throwNoStack, upCommand } from "./failure.js";
import { Interrupt } from "./interrupt.js";
import { open } from "./open.js";
import { programOf } from "./program.js";
import { describeProtected, protectedIn } from "./protected.js";
import { PulumiError, askPulumi } from "./pulumi.js";
import { purge } from "./purge.js";
import { say } from "./say.js";
import { saidBy } from "./saidBy.js";
import { readStackFile } from "./stackFile.js";
import { EngineStream } from "./stream.js";
import { renderTable, visible } from "./table.js";
import { troubleOf } from "./trouble.js";
import { localFolder, root, type Place } from "./workspace.js";

/**
 * What changes a stack, or would: Pulumi's own engine, running the checkout's `index.ts` as an inline program of the Automation
 * API, so that Pulumi's language host is not needed.
 */

const interrupt = new Interrupt();
const colour = process.stdout.isTTY && !process.env.NO_COLOR ? "always" : "never";

/** @throws StackFailure, PulumiError, PurgeRefused */
export async function operate(args: Arguments, known: Place): Promise<void> {
  try {
    const place = await withPlugins(args, known);
    if (args.command === "preview") await preview(args, place);
    else if (args.command === "destroy") await destroy(args, place);
    else await up(args, place);
  } catch (error) {
    throw error instanceof CommandError ? new PulumiError(saidBy(error)) : error;
  }
}

/** Where the engine will not get the `aws` plugin, it is not let try for long, and what to do is known. */
async function withPlugins(args: Arguments, place: Place): Promise<Place> {
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
  // Nobody is asked to confirm a name that is mistyped.
  const stack = await openExisting(args, place);
  await confirm(args.stack, { stage: "destroy" }, args.yes);
  interrupt.install(say);
  // The engine would come to them only after it has deleted all that depends on them.
  const kept = protectedIn(await askPulumi(args.stack, place, ["stack", "export"]));
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

async function openExisting(args: Arguments, place: Place): Promise<Stack> {
  try {
    return await open(args.stack, place, undefined, false);
  } catch (error) {
    if (error instanceof StackNotFoundError) throwNoStack(args);
    throw error;
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
    if (!stream.explained)
      throw troubleOf(args.stack, saidBy(error)) ?? new StackFailure(`pulumi refused: ${saidBy(error)}`, exit.failed);
    if (stream.withoutAws && place.withoutAws !== undefined) throw new StackFailure(place.withoutAws, exit.refused);
    const what = stream.failed.length > 0 ? stream.failed.join(", ") : `the ${args.command} of ${args.stack}`;
    const then =
      args.command === "preview"
        ? `A preview changes nothing. Once the cause is mended: ${again(args)}`
        : `What was done before it is saved in the state; once the cause is mended, ${again(args)} goes on from there.`;
    const advice = new Set(stream.errors.flatMap((line) => adviceOn(args.stack, line) ?? []));
    throw new StackFailure(
      [`${what}: failed, for the reason under Diagnostics above.`, ...advice, then].join(" "),
      exit.failed,
    );
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
