import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { planLines } from "./planLines.js";

const root = resolve(__dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const page = read("docs/plan-de-migracion.md");
const [, byLine = ""] = page.split("## Línea por línea");
const rows = [...byLine.matchAll(/^\| (.+?) +\| (.+?) +\| `(test\/[\w/.]+)`: «(.+)» +\|$/gm)].map(
  ([, line = "", what = "", file = "", title = ""]) => ({ line: line.replaceAll("\\_", "_"), what, file, title }),
);

/** What a test or a group of tests is called, in the file that has it. */
function isTestOf(file: string, title: string): boolean {
  const source = read(file);
  return ["it", "describe"].some((kind) =>
    ['"', "'", "`"].some(
      (mark) => new RegExp(`${kind}\\(\\s*${mark}`).test(source) && source.includes(`${mark}${title}${mark}`),
    ),
  );
}

describe("docs/plan-de-migracion.md, line by line", () => {
  it("has a row for each line of the plan, once, and for nothing else", () => {
    assert.deepEqual(
      rows.map(({ line }) => line),
      planLines,
    );
  });

  it("names tests that there are, each in its file", () => {
    for (const { line, file, title } of rows)
      assert.ok(existsSync(join(root, file)) && isTestOf(file, title), `${line}: ${file}: ${title}`);
  });

  it("names files and commands that there are", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    let files = 0;
    for (const { line, what } of rows) {
      for (const [, code = ""] of `${line} ${what}`.matchAll(/`([^`]+)`/g)) {
        const path = /^(components|pipeline|tools|prisma|docs|scripts)\/[\w./-]+$/.exec(code)?.[0];
        if (path !== undefined) {
          assert.ok(existsSync(join(root, path)), `${line}: ${path}`);
          files++;
        }
      }
      for (const [, script = ""] of `${line} ${what}`.matchAll(/npm run ([\w:]+)/g))
        assert.ok(script in scripts, `${line}: npm run ${script}`);
    }
    assert.ok(files > 30, "the rows say what does it");
  });

  it("leaves no row without an answer", () => {
    for (const { line, what } of rows) assert.ok(what.trim().length > 1, line);
  });
});
