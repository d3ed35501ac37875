import { accessSync, constants, mkdirSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "./say.mjs";

/** The checkout. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");

/**
 * Where the cache may be, best first: outside the checkout, so that it outlives clones.
 *
 * @param {Record<string, string | undefined>} env
 * @param {{ home: string, temp: string, user: string }} machine
 */
export function cacheCandidates(env, machine) {
  if (env.SAFE_MIGRATION_CACHE) return [resolve(env.SAFE_MIGRATION_CACHE)];
  const candidates = [];
  // A relative XDG_CACHE_HOME is invalid by its specification.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) candidates.push(join(env.XDG_CACHE_HOME, "safe-migration"));
  if (machine.home !== "") candidates.push(join(machine.home, ".cache", "safe-migration"));
  candidates.push(join(machine.temp, `safe-migration-${machine.user}`));
  return candidates;
}

let found;

/** The cache's folder, made if need be. @throws SetupError if no place can be written. */
export function cacheRoot() {
  if (found) return found;
  const candidates = cacheCandidates(process.env, { home: homedir(), temp: tmpdir(), user: userName() });
  found = candidates.find(isWritable);
  if (!found) {
    throw new SetupError(
      `no place for the cache can be written (tried ${candidates.join(", ")}); set SAFE_MIGRATION_CACHE to one that can`,
    );
  }
  return found;
}

function userName() {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "user");
  }
}

function isWritable(path) {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
