import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Whether there is a program at this path that may be run. */
export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The program's path as a shell would find it, or nothing.
 *
 * @param {string} name
 * @param {string | undefined} path the value of PATH
 */
export function which(name, path = process.env.PATH) {
  return (path ?? "")
    .split(delimiter)
    .filter((dir) => dir !== "")
    .map((dir) => join(dir, name))
    .find(isProgram);
}
