import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { PipelineError, messageOf } from "../../pipeline/errors.js";
import { tiers } from "../../pipeline/risk/types.js";

/** What one job of the pull request's workflow found out of one stack; the job that comments reads them all. */
const stackPart = z.strictObject({
  stack: z.string().regex(/^[\w.-]+$/),
  /** Exit code of the preview; 0: it passes. */
  exitCode: z.int(),
  /** What the preview said under "Diagnostics"; all it said, where it has none. */
  said: z.string(),
  /** Migrations that the pull request adds or changes, in their order. */
  migrations: z.array(z.strictObject({ name: z.string(), tier: z.enum(tiers) })),
  /** Their risk and what the stack asks for it, as Markdown. */
  risk: z.string(),
});
export type StackPart = z.infer<typeof stackPart>;

export function writePart(folder: string, part: StackPart): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${part.stack}.json`), `${JSON.stringify(part, null, 2)}\n`);
}

/**
 * The parts that are there, by stack; none where the folder is missing, as after a job that failed before it had one.
 *
 * @throws PipelineError (`usage`) where a file is no such part.
 */
export function readParts(folder: string): ReadonlyMap<string, StackPart> {
  const parts = filesOf(folder).map((name) => readPart(path.join(folder, name)));
  return new Map(parts.map((part) => [part.stack, part]));
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function readPart(file: string): StackPart {
  try {
    return stackPart.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new PipelineError({
      code: "CI_PART",
      kind: "usage",
      message: `${file} is not what npm run ci:preview writes: ${messageOf(error)}`,
      state: "No comment was written.",
      next: "Give --from the folder that npm run ci:preview -- --into wrote to.",
    });
  }
}
