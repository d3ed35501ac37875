"use strict";
/**
 * Runs risk.ts as a bundle that is made again when a source is newer, with V8's compiled code kept beside it: started often, it is to
 * start at once.
 */
const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");

const root = path.resolve(__dirname, "../..");
const folder = path.join(root, ".build", "risk");
const entry = path.join(folder, "risk.js");
const inputsFile = path.join(folder, "inputs.json");
const codeFile = path.join(folder, `code-${process.version}-${process.arch}`);

/** Whether the bundle is there and no file that went into it is newer, or gone. */
function isFresh() {
  const made = fs.statSync(entry, { throwIfNoEntry: false });
  if (made === undefined) return false;
  try {
    const inputs = JSON.parse(fs.readFileSync(inputsFile, "utf8"));
    return inputs.every((name) => fs.statSync(path.join(root, name)).mtimeMs <= made.mtimeMs);
  } catch {
    return false;
  }
}

function build() {
  const { buildSync } = require("esbuild");
  const made = Date.now() / 1000;
  fs.mkdirSync(folder, { recursive: true });
  // Written beside and renamed, since several may start at once.
  const temporary = fs.mkdtempSync(`${folder}-`);
  const bundle = (name, options) =>
    buildSync({
      absWorkingDir: root,
      entryPoints: [`tools/commands/${name}.ts`],
      outdir: temporary,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      logLevel: "error",
      metafile: true,
      ...options,
    }).metafile.inputs;
  // Loaded only where no file is named; it needs what no bundle holds.
  const project = bundle("riskProject", { packages: "external" });
  const inputs = {
    ...bundle("risk", {
      minifySyntax: true,
      minifyWhitespace: true,
      external: ["./riskProject.js"],
      // As `require`: a script of node:vm may not import.
      supported: { "dynamic-import": false },
    }),
    ...project,
  };
  const names = [...Object.keys(inputs), "tools/commands/risk.cjs", "package-lock.json"];
  fs.writeFileSync(path.join(temporary, "inputs.json"), JSON.stringify([...new Set(names)]));
  const wasm = "libpg-query.wasm";
  const parser = createRequire(entry).resolve("libpg-query");
  fs.copyFileSync(path.join(path.dirname(parser), wasm), path.join(temporary, wasm));
  fs.rmSync(codeFile, { force: true });
  // The entry last: until then the bundle that is there counts as old.
  for (const name of [wasm, "inputs.json", "riskProject.js", "risk.js"]) {
    const file = path.join(temporary, name);
    fs.utimesSync(file, made, made);
    fs.renameSync(file, path.join(folder, name));
  }
  fs.rmSync(temporary, { recursive: true });
}

/** As `require` would, with the code that V8 compiled last time; V8 itself refuses what is of another text or version. */
function load() {
  const source = `(function (exports, require, module, __filename, __dirname) {${fs.readFileSync(entry, "utf8")}\n})`;
  const cachedData = fs.existsSync(codeFile) ? fs.readFileSync(codeFile) : undefined;
  const script = new vm.Script(source, { filename: entry, cachedData });
  const bundled = { exports: {} };
  script.runInThisContext()(bundled.exports, createRequire(entry), bundled, entry, folder);
  if (cachedData !== undefined && script.cachedDataRejected !== true) return;
  // At the end, when what is needed has been compiled.
  process.once("exit", () => {
    const temporary = `${codeFile}.${process.pid}`;
    try {
      fs.writeFileSync(temporary, script.createCachedData());
      fs.renameSync(temporary, codeFile);
    } catch {
      // It is only quicker with it: a checkout that cannot be written to does without.
    }
  });
}

// The parser is one huge function, which V8 would optimise in the background: that takes longer than to judge a thousand files, and
// the process would wait for it to end.
v8.setFlagsFromString("--liftoff-only");
if (!isFresh()) build();
load();
