import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./places.mjs";
import { run, tail } from "./run.mjs";
import { SetupError, step } from "./say.mjs";

/** Inside node_modules, so that it goes when they go. */
const stamp = join(root, "node_modules", ".safe-migration", "lockfile");

/** What package-lock.json and .npmrc say, as one hash: the packages are in place if they were installed from just this. */
export function lockHash() {
  const hash = createHash("sha256");
  for (const name of ["package-lock.json", ".npmrc"]) {
    const path = join(root, name);
    hash.update(existsSync(path) ? readFileSync(path) : "");
  }
  return hash.digest("hex");
}

export function nodePackagesAreThere(hash) {
  try {
    return readFileSync(stamp, "utf8") === hash;
  } catch {
    return false;
  }
}

/** Whether someone ran `npm ci` or `npm install` by hand: npm's own record of what is there agrees with package-lock.json. */
export function installedByHand() {
  try {
    const read = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;
    const installed = read("node_modules/.package-lock.json");
    return Object.entries(read("package-lock.json")).every(
      ([path, { version, optional, peer }]) =>
        path === "" || installed[path]?.version === version || ((optional || peer) && installed[path] === undefined),
    );
  } catch {
    return false;
  }
}

/** Installs the packages that package-lock.json names. @throws SetupError with npm's own words. */
export async function installNodePackages() {
  const hash = lockHash();
  if (nodePackagesAreThere(hash)) return;
  if (installedByHand()) {
    writeStamp(hash);
    return;
  }
  const why = existsSync(join(root, "node_modules")) ? "package-lock.json changed" : "there is no node_modules";
  await step(`installing the Node packages (${why})`, async () => {
    // NODE_ENV=production would leave out what tests and checks need.
    const { code, output } = await run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], { cwd: root });
    if (code !== 0) {
      throw new SetupError(
        `npm ci failed with exit code ${code}:\n${tail(output)}\n  Mend that and run the same command again; nothing else was changed.`,
      );
    }
  });
  writeStamp(hash);
}

function writeStamp(hash) {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}
