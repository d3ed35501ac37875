/** `up`, `preview`, `destroy`, `outputs`, `export` and `start` of a stack. */
import { beforePromotionVariable } from "../components/beforePromotion.js";
import { nowVariable } from "../pipeline/window/assert.js";
import { parse, type Arguments } from "./stack/arguments.js";
import { StackFailure, exit, report, throwNoStack, upCommand } from "./stack/failure.js";
import { readRecorded } from "./commands/there/recorded.js";
import { assertKnown } from "./stack/knownStacks.js";
import { readOutputs } from "./stack/outputs.js";
import { PulumiError, askPulumi } from "./stack/pulumi.js";
import { say } from "./stack/say.js";
import { troubleOf } from "./stack/trouble.js";
import { prepare, root, type Place } from "./stack/workspace.js";

async function main(args: Arguments): Promise<void> {
  // Read by index.ts, which runs in this process.
  if (args.now !== undefined) process.env[nowVariable] = args.now;
  if (args.beforePromotion === true) process.env[beforePromotionVariable] = "yes";
  if (args.command === "up" || args.command === "preview") assertKnown(root, args.stack);
  const place = prepare(args.stack, process.env);
  if (args.command === "outputs") process.stdout.write(`${JSON.stringify(await outputs(args, place), null, 2)}\n`);
  else if (args.command === "export") process.stdout.write(await ofExisting(args, exported(args, place)));
  // The engine's side takes a second to load.
  else await (await import("./stack/engine.js")).operate(args, place);
}

function exported(args: Arguments, place: Place): Promise<string> {
  return askPulumi(args.stack, place, ["stack", "export"]);
}

async function outputs(args: Arguments, place: Place): Promise<Record<string, unknown>> {
  const all = await ofExisting(args, readOutputs(args.stack, place, "masked"));
  if (Object.keys(all).length > 0) return all;
  const { place: known, resources } = await readRecorded(args.stack, place);
  if (known !== undefined) {
    say(
      `No update of ${args.stack} has succeeded yet; this is what there is of it so far. To go on: ${upCommand(args)}`,
    );
    return known;
  }
  const why =
    resources === 0
      ? "it was never brought up, or it was destroyed"
      : `no update of it has succeeded, though ${resources} of its resources are there`;
  throw new StackFailure(`The stack ${args.stack} has no outputs: ${why}. Run: ${upCommand(args)}`, exit.refused);
}

async function ofExisting<T>(args: Arguments, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof PulumiError && error.noStack) throwNoStack(args);
    throw error;
  }
}

async function run(): Promise<number> {
  let stack = "";
  try {
    const args = parse(process.argv.slice(2), process.env.NODE_ENV);
    ({ stack } = args);
    await main(args);
    return 0;
  } catch (error) {
    return report(error instanceof PulumiError ? (troubleOf(stack, error.message) ?? error) : error);
  }
}

// The Automation API leaves its server's handles open; what was printed must be out before the end.
void run().then((code) => process.stdout.write("", () => process.exit(code)));
