import { z } from "zod";
import { askPulumi } from "./pulumi.js";
import type { Place } from "./workspace.js";

/**
 * The last outputs of a stack.
 *
 * @param secrets whether they are in clear, or `[secret]`
 * @throws PulumiError
 */
export async function readOutputs(
  stack: string,
  place: Place,
  secrets: "clear" | "masked",
): Promise<Record<string, unknown>> {
  const shown = secrets === "clear" ? ["--show-secrets"] : [];
  const text = await askPulumi(stack, place, ["stack", "output", "--json", ...shown]);
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
}
