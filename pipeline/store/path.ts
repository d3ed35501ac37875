import { PipelineError } from "../errors.js";

/**
 * The parts of a relative path. @throws PipelineError for one that would leave the store.
 */
export function checkPath(path: string): string[] {
  const parts = path.split("/");
  if (path !== "" && parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\0\\]/.test(part)))
    return parts;
  throw new PipelineError({
    code: "STORE_PATH",
    kind: "usage",
    message: `"${path}" is no path in a backup store: it must be relative, with / between names, without . or .. among them.`,
    state: "Nothing was touched.",
    next: "Mend the name of the environment or the backup, then run the same command.",
  });
}
