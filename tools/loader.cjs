"use strict";
/**
 * Node's loader of this project's TypeScript, for `node --require`: what esbuild made of a file is kept until the file changes, and
 * node_modules are left to Node. Commands start in half the time that tsx takes, which looks at each file of each package as well.
 */
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

const root = path.resolve(__dirname, "..");
const folder = path.join(root, "node_modules", ".safe-migration", "compiled");

/** @type {import("esbuild").TransformOptions} */
const options = {
  loader: "ts",
  format: "cjs",
  platform: "node",
  target: "node20",
  sourcemap: "inline",
  sourcesContent: false,
  // As `require`, which finds TypeScript, and modules too since Node 20.19.
  supported: { "dynamic-import": false },
};

let salt;

/** Changes with the text of a file, with esbuild and with how it is asked. */
function keyOf(source) {
  salt ??= JSON.stringify([require("esbuild/package.json").version, options]);
  return createHash("sha256").update(salt).update(source).digest("hex");
}

function compile(filename) {
  const source = fs.readFileSync(filename, "utf8");
  const header = `// ${keyOf(source)}\n`;
  const name = path.relative(root, filename);
  const kept = name.startsWith("..") ? undefined : path.join(folder, `${name}.cjs`);
  const text = kept !== undefined && fs.existsSync(kept) ? fs.readFileSync(kept, "utf8") : "";
  if (text.startsWith(header)) return text.slice(header.length);
  const { code } = require("esbuild").transformSync(source, { ...options, sourcefile: filename });
  if (kept !== undefined) keep(kept, header + code);
  return code;
}

/** Written beside and renamed, since several may start at once. */
function keep(file, text) {
  const temporary = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(temporary, text);
    fs.renameSync(temporary, file);
  } catch {
    // It is only quicker with it: where nothing can be written, the file is compiled each time.
  }
}

const resolve = Module._resolveFilename;

/** TypeScript names a module by the file that would be made of it: `./x.js` is x.ts. */
Module._resolveFilename = function (request, parent, ...more) {
  if (/^\.\.?\//.test(request) && parent?.filename?.endsWith(".ts")) {
    const named = path.resolve(path.dirname(parent.filename), request);
    const source = `${named.endsWith(".js") ? named.slice(0, -3) : named}.ts`;
    if (fs.existsSync(source)) return source;
  }
  return resolve.call(this, request, parent, ...more);
};

Module._extensions[".ts"] = (module, filename) => module._compile(compile(filename), filename);

/** What Pulumi's SDK serialises functions with, which nothing here does: half of the time that it takes to load. */
const late = new Set(["typescript", "@npmcli/arborist"]);

const load = Module._load;

Module._load = function (request, parent, ...more) {
  const now = () => load.call(this, request, parent, ...more);
  return late.has(request) && /[\\/]@pulumi[\\/]pulumi[\\/]/.test(parent?.filename ?? "") ? whenUsed(now) : now();
};

/** A module that is loaded once something of it is asked for; that it is made of a module of ES is all that is asked before. */
function whenUsed(module) {
  return new Proxy({}, { get: (_none, name) => name === "__esModule" || module()[name] });
}

process.setSourceMapsEnabled(true);
