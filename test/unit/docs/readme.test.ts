import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describeExitCodes } from "../../../pipeline/describeExitCodes.js";

const root = resolve(__dirname, "../../..");
const pages = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith(".md"),
);
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replace(/^```[^]*?^```/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_\- ]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

describe("README and docs", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

  it("name commands that there are", () => {
    for (const page of pages)
      for (const [, script = ""] of read(page).matchAll(/npm run ([a-z][\w:]*\w)/g))
        assert.ok(script in scripts, `${page}: npm run ${script}`);
  });

  it("have the exit codes in one place, as each help has them", () => {
    const rows = [...read("docs/commands.md").matchAll(/^\| (\d+) \| (.+) \|$/gm)];
    assert.deepEqual(
      rows.map(([, code = "", meaning = ""]) => `  ${code.padStart(3)}  ${meaning}`).join("\n"),
      describeExitCodes(),
    );
  });

  it("link to sections that there are", () => {
    const headings = new Map(pages.map((page) => [page, anchorsOf(read(page))]));
    for (const page of pages)
      for (const [, path = "", anchor = ""] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)]+)\)/g)) {
        const target = path === "" ? page : join(dirname(page), path);
        const known = headings.get(target);
        assert.ok(known === undefined || known.has(anchor), `${page}: ${path}#${anchor}`);
      }
  });

  it("link to pages that there are", () => {
    for (const page of pages)
      for (const [, path = ""] of read(page).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g))
        assert.ok(existsSync(join(root, dirname(page), path)), `${page}: ${path}`);
  });

  it("README has each command that people type, by its name or below the one it belongs to", () => {
    const text = read("README.md");
    // For this project's own pages and for CI.
    const own = /^(docs|ci|lint|setup|test:unit|test:integration|db)(:|$)/;
    const missing = Object.keys(scripts).filter((script) => {
      const [, last = ""] = /:(\w+)$/.exec(script) ?? [];
      const named = [script, `npm run ${script}`, `npm ${script}`, `:${last}`];
      return !own.test(script) && !named.some((name) => text.includes(`\`${name}`));
    });
    assert.deepEqual(missing, []);
  });
});
