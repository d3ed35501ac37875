import { createRequire } from "node:module";
import { RunError } from "@pulumi/pulumi/errors";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { tellingForeseen } from "../../components/foreseen.js";

/**
 * The checkout's `index.ts` as an inline program: its outputs are what it exports, or what the function that it exports
 * returns, just as with Pulumi's language host.
 */
export function programOf(path: string): PulumiFn {
  return async () => {
    try {
      return await tellingForeseen(async () => {
        const exported: unknown = createRequire(__filename)(path);
        const entry = entryOf(exported);
        const outputs = await (typeof entry === "function" ? (entry as () => unknown)() : entry);
        return isBag(outputs) ? outputs : {};
      });
    } catch (error) {
      if (error instanceof RunError) printOnce();
      throw error;
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
