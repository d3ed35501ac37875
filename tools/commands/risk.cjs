"use strict";
/**
 * Runs risk.ts as a bundle, which starts in a third of the time that compiling it takes, and makes the bundle again when a
 * source is newer.
 */
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "../..");
const folder = path.join(root, ".build", "risk");
const entry = path.join(folder, "risk.js");
const sources = ["config.ts", "package-lock.json", "pipeline", "tools/commands", "tools/stack", "tools/build"].map(
  (name) => path.join(root, name),
);

/** Whether a source is newer than a time, in milliseconds; looks no further once one is. */
function anyNewer(name, time) {
  const found = fs.statSync(name);
  if (!found.isDirectory()) return /\.(c?ts|cjs|json)$/.test(name) && found.mtimeMs > time;
  return fs.readdirSync(name).some((child) => anyNewer(path.join(name, child), time));
}

function isFresh() {
  const made = fs.statSync(entry, { throwIfNoEntry: false });
  return made !== undefined && !sources.some((name) => anyNewer(name, made.mtimeMs));
}

function build() {
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const made = Date.now();
  // Written beside and renamed, since several may start at once.
  const temporary = fs.mkdtempSync(`${folder}-`);
  require("esbuild").buildSync({
    absWorkingDir: root,
    entryPoints: ["tools/commands/risk.ts", "tools/commands/riskProject.ts"],
    outdir: temporary,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
    packages: "external",
    // Loaded only where no file is named.
    external: ["./riskProject.js"],
  });
  for (const name of fs.readdirSync(temporary)) {
    const file = path.join(temporary, name);
    fs.utimesSync(file, made / 1000, made / 1000);
    fs.mkdirSync(folder, { recursive: true });
    fs.renameSync(file, path.join(folder, name));
  }
  fs.rmdirSync(temporary);
}

if (!isFresh()) build();
require(entry);
