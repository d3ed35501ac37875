#!/usr/bin/env node
"use strict";
/**
 * What PRISMA_SCHEMA_ENGINE_BINARY points at: stands in for Prisma's native schema engine. It runs engineServer.ts as a bundle,
 * which starts in a tenth of the time that compiling it takes, and makes the bundle again when a source is newer.
 */
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "../..");
const bundle = path.join(root, ".build", "schemaEngine.cjs");
const sources = ["tools/prisma", "pipeline/prisma", "pipeline/postgres", "pipeline"].map((name) =>
  path.join(root, name),
);

function newestSource() {
  const files = sources.flatMap((folder) =>
    fs
      .readdirSync(folder)
      .filter((name) => /\.c?ts$|\.cjs$/.test(name))
      .map((name) => path.join(folder, name)),
  );
  return Math.max(...[...files, path.join(root, "package-lock.json")].map((file) => fs.statSync(file).mtimeMs));
}

function isFresh() {
  const made = fs.statSync(bundle, { throwIfNoEntry: false });
  return made !== undefined && made.mtimeMs >= newestSource();
}

function build() {
  fs.mkdirSync(path.dirname(bundle), { recursive: true });
  // Written under a name of its own and renamed, since several engines may start at once.
  const temporary = `${bundle}.${process.pid}`;
  require("esbuild").buildSync({
    absWorkingDir: root,
    entryPoints: ["tools/prisma/engineServer.ts"],
    outfile: temporary,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
    // These load their WebAssembly from beside themselves; pg-native is optional and not installed.
    external: ["libpg-query", "@prisma/prisma-schema-wasm", "pg-native"],
  });
  fs.renameSync(temporary, bundle);
}

if (!isFresh()) build();
require(bundle);
