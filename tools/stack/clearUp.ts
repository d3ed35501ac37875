import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Stack } from "@pulumi/pulumi/automation";
import { parse as parseYaml } from "yaml";
import type { Arguments } from "./arguments.js";
import { StackFailure, again, exit } from "./failure.js";
import { dropPendingCommands, mayHavePending } from "./pending.js";
import { askPulumi } from "./pulumi.js";
import { say } from "./say.js";
import { type LockHolder, livenessOf, readLocks } from "./stateLock.js";
import { type Place, root } from "./workspace.js";

function projectName(): string {
  return (parseYaml(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as { name: string }).name;
}

/** Who has the state of the stack locked, where that is a folder of this machine. */
export function holders(args: Arguments, place: Place): LockHolder[] {
  return place.stateFolder === undefined ? [] : readLocks(place.stateFolder, projectName(), args.stack);
}

/** Somebody else works on the stack. */
export function busy(args: Arguments, holder: LockHolder | undefined): StackFailure {
  if (holder === undefined) {
    return new StackFailure(
      `The stack ${args.stack} is being updated by somebody else. Nothing was touched. Once that has ended: ${again(args)}. If nothing runs any more: pulumi cancel --stack ${args.stack}`,
      exit.refused,
    );
  }
  const who = `process ${holder.pid} of ${holder.user} on ${holder.host}, since ${holder.since}`;
  return new StackFailure(
    `The stack ${args.stack} is being updated by ${who}. Nothing was touched. Wait for it to end, then run: ${again(args)}`,
    exit.refused,
  );
}

/**
 * Clears up after a run that was killed (a crash, a power cut): frees its lock, and drops what it left pending. Refuses if
 * the lock's holder still works.
 */
export async function clearUp(args: Arguments, place: Place, stack: Stack): Promise<void> {
  const found = holders(args, place);
  const living = found.find((holder) => livenessOf(holder) !== "dead");
  if (living !== undefined) throw busy(args, living);
  for (const holder of found) {
    say(
      `The stack ${args.stack} was left locked by process ${holder.pid}, which ended without finishing (since ${holder.since}); the lock is freed`,
    );
  }
  if (found.length > 0) await stack.cancel();
  if (place.stateFolder === undefined || !mayHavePending(place.stateFolder, projectName(), args.stack)) return;
  const names = await dropPendingCommands((words) => askPulumi(args.stack, place, words), place.stateFolder);
  if (names.length > 0) say(`Broken off in an earlier run, and looked at afresh in this one: ${names.join(", ")}`);
}
