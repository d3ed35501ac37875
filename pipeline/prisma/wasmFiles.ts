import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

/**
 * The WebAssembly files that the pipeline loads when it runs. A bundle is one JavaScript file: whoever makes it copies these
 * beside it, under their own names.
 */
const modules = ["@prisma/schema-engine-wasm/schema_engine_bg", "@prisma/prisma-schema-wasm", "libpg-query"] as const;

const fileNames = {
  "@prisma/schema-engine-wasm/schema_engine_bg": "schema_engine_bg.wasm",
  "@prisma/prisma-schema-wasm": "prisma_schema_build_bg.wasm",
  "libpg-query": "libpg-query.wasm",
} as const satisfies Record<(typeof modules)[number], string>;

/** Absolute paths of the WebAssembly files to copy beside a bundle. */
export function wasmFiles(): string[] {
  return modules.map(installed);
}

/** Where the schema engine's WebAssembly is: beside the bundle if this is one, else in its package. */
export function schemaEngineWasm(): string {
  const beside = path.join(__dirname, fileNames["@prisma/schema-engine-wasm/schema_engine_bg"]);
  return existsSync(beside) ? beside : installed("@prisma/schema-engine-wasm/schema_engine_bg");
}

function installed(module: (typeof modules)[number]): string {
  // Through createRequire, so that a bundler leaves the name alone.
  return path.join(path.dirname(createRequire(__filename).resolve(module)), fileNames[module]);
}
