import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const prefix = "pulumi-home-stand-in-";

/** A stand-in that nobody has set up for so long is one of an old commit. */
const forgottenAfterMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Pulumi's folder for one version of the stand-in, in the cache: checkouts of different commits share the cache, and must
 * neither run each other's stand-in nor install theirs over each other's in turn.
 */
export function standInHome(cache, hash) {
  return join(cache, `${prefix}${hash.slice(0, 16)}`);
}

/** Removes stand-ins that have not been set up for long, but the one at `current`. */
export function dropForgotten(cache, current, now = Date.now()) {
  for (const entry of readdirSync(cache)) {
    const path = join(cache, entry);
    if (!entry.startsWith(prefix) || path === current) continue;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat && now - stat.mtimeMs > forgottenAfterMs) rmSync(path, { recursive: true, force: true });
  }
}
