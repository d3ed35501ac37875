import { createRequire } from "node:module";
import { RunError } from "@pulumi/pulumi/errors";
import type { PulumiFn } from "@pulumi/pulumi/automation";

/**
 * The checkout's `index.ts` as an inline program: its outputs are what it exports, or what the function that it exports
 * returns, just as with Pulumi's language host.
 */
export function programOf(path: string): PulumiFn {
  return async () => {
    try {
      const exported: unknown = createRequire(__filename)(path);
      const entry = entryOf(exported);
      const outputs = await (typeof entry === "function" ? (entry as () => unknown)() : entry);
      return isBag(outputs) ? outputs : {};
    } catch (error) {
      if (!isForeseen(error)) throw error;
      printOnce();
      throw new RunError(foreseenText(error));
    }
  };
}

/**
 * The Automation API reports the program's error by its answer to the engine, and once more as an unhandled rejection of
 * the stack's own promises. The program is over; the first is enough.
 */
function printOnce(): void {
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", () => undefined);
}

function isBag(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function entryOf(exported: unknown): unknown {
  if (isBag(exported) && "default" in exported) return exported.default;
  return exported;
}

interface Foreseen extends Error {
  readonly state?: unknown;
  readonly next?: unknown;
}

/** An error of a class of the project's own is meant for a person; a bare `Error` or `TypeError` is a defect, and keeps its stack. */
function isForeseen(error: unknown): error is Foreseen {
  const plain: unknown[] = [RunError, Error, TypeError, ReferenceError, RangeError, SyntaxError, AggregateError];
  return error instanceof Error && !plain.includes(error.constructor);
}

function foreseenText(error: Foreseen): string {
  const lines = [error.message];
  if (typeof error.state === "string") lines.push(`State: ${error.state}`);
  if (typeof error.next === "string") lines.push(`Next: ${error.next}`);
  return lines.join("\n");
}
