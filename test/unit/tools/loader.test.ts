import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { run } from "../../../pipeline/process.js";

const root = resolve(__dirname, "../../..");

describe("the loader of the project's TypeScript", () => {
  let folder: string;

  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  const start = (name = "src/main.ts") =>
    run(process.execPath, ["--require", join(folder, "tools/loader.cjs"), join(folder, name)], { cwd: folder });
  const kept = (name: string) => join(folder, "node_modules/.safe-migration/compiled", `${name}.cjs`);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "loader-"));
    mkdirSync(join(folder, "tools"));
    cpSync(join(root, "tools/loader.cjs"), join(folder, "tools/loader.cjs"));
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(root, "node_modules/esbuild"), join(folder, "node_modules/esbuild"));
    write("src/main.ts", 'import { word } from "./part.js";\nconst said: string = word;\nconsole.log(said);\n');
    write("src/part.ts", 'export const word: string = "one";\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("takes what it kept of a file, and compiles one that has changed", async () => {
    assert.equal((await start()).stdout, "one\n");
    const text = readFileSync(kept("src/part.ts"), "utf8");
    writeFileSync(kept("src/part.ts"), text.replace('"one"', '"kept"'));
    assert.equal((await start()).stdout, "kept\n");
    write("src/part.ts", 'export const word: string = "two";\n');
    assert.equal((await start()).stdout, "two\n");
  });

  it("loads what is imported when it is needed: TypeScript, a module, and a module's export", async () => {
    write("src/late.ts", "export const late: number = 1;\n");
    write("src/module.mjs", "export const inModule = 2;\nexport default 3;\n");
    write(
      "src/main.ts",
      `void (async () => {
  const { late } = await import("./late.js");
  const { inModule, default: byDefault } = await import("./module.mjs");
  console.log(late, inModule, byDefault, __filename.endsWith("src/main.ts"));
})();\n`,
    );
    assert.equal((await start()).stdout, "1 2 3 true\n");
  });

  it("names the line of the TypeScript where something fails", async () => {
    write(
      "src/part.ts",
      'interface Nothing {\n  readonly of: "it";\n}\n\nexport const word = ((_: Nothing) => JSON.parse("{"))({ of: "it" });\n',
    );
    for (const _time of ["compiled", "kept"]) {
      const { exitCode, stderr } = await start();
      assert.equal(exitCode, 1);
      assert.match(stderr, /src\/part\.ts:5:\d+/);
    }
  });

  it("says where a file is that is no TypeScript, and keeps nothing of it", async () => {
    write("src/part.ts", "export const word: = 1;\n");
    const { exitCode, stderr } = await start();
    assert.equal(exitCode, 1);
    assert.match(stderr, /part\.ts:1:19: ERROR: Unexpected "="/);
    assert.ok(!existsSync(kept("src/part.ts")));
  });

  it("keeps nothing of what is outside the checkout, nor where nothing can be written, and runs it all the same", async () => {
    const outside = mkdtempSync(join(tmpdir(), "loader-outside-"));
    try {
      writeFileSync(join(outside, "word.ts"), 'export const word: string = "outside";\n');
      write("src/main.ts", `import { word } from "${join(outside, "word.ts")}";\nconsole.log(word);\n`);
      write("node_modules/.safe-migration", "a file, in the folder's place");
      chmodSync(join(folder, "node_modules/.safe-migration"), 0o400);
      assert.equal((await start()).stdout, "outside\n");
      rmSync(join(folder, "node_modules/.safe-migration"));
      assert.equal((await start()).stdout, "outside\n");
      assert.ok(existsSync(kept("src/main.ts")));
      assert.ok(!existsSync(join(outside, "word.ts.cjs")));
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it("loads what Pulumi's SDK serialises functions with once it is used, and it works then", async () => {
    symlinkSync(join(root, "node_modules/@pulumi"), join(folder, "node_modules/@pulumi"));
    write(
      "src/main.ts",
      `import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
const loaded = () => Object.keys(createRequire(__filename).cache).some((name) => name.endsWith("/typescript.js"));
const before = loaded();
void pulumi.runtime.serializeFunction((n: number) => n + 41).then(({ text }) => console.log(before, loaded(), text));\n`,
    );
    const { stdout, stderr } = await start();
    assert.match(stdout, /^false true exports\.handler = __f0;[^]*\(n\) => n \+ 41/, stderr);
  });
});
