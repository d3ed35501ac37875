import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { assessMigrations } from "../../../pipeline/risk/assess.js";
import { rulePages } from "../../../pipeline/risk/output/pages.js";
import { rules } from "../../../pipeline/risk/rules/index.js";
import { large, options, shop } from "./assessed.js";

const root = path.resolve(__dirname, "../../..");
const folder = path.join(root, "docs/risks");

describe("risk: rules and their pages", () => {
  it("pages say what the rules say (npm run docs:risks makes them anew)", () => {
    const pages = rulePages();
    const there = readdirSync(folder).filter((name) => name !== "squawk.md");
    assert.deepEqual(there.sort(), [...pages.keys()].sort());
    for (const [name, text] of pages) assert.equal(readFileSync(path.join(folder, name), "utf8"), text, name);
  });

  it("links in them lead somewhere", () => {
    const written = [...rulePages(), ["squawk.md", readFileSync(path.join(folder, "squawk.md"), "utf8")] as const];
    for (const [name, text] of written) {
      for (const [, link = ""] of text.matchAll(/\]\(([^)#:]+\.md)[^)]*\)/g)) {
        assert.ok(readFileSync(path.resolve(folder, link), "utf8") !== "", `${name}: ${link}`);
      }
    }
  });

  it("each rule is a file of its own, under its identifier", () => {
    const files = readdirSync(path.join(root, "pipeline/risk/rules")).filter((name) => name !== "index.ts");
    assert.deepEqual(files.sort(), rules.map(({ id }) => `${id}.ts`).sort());
  });

  for (const rule of rules) {
    it(`finds its own example: ${rule.id}`, async () => {
      const earlier = rule.example.split("\n").filter((line) => line.includes("-- an earlier migration"));
      const sql = rule.example
        .split("\n")
        .filter((line) => !earlier.includes(line))
        .join("\n");
      const migrations = [shop, earlier.join("\n"), sql].map((text, at) => ({
        name: `${at}`,
        path: `${at}`,
        sql: text,
      }));
      // Whatever an example names may be there; tables are large.
      const found = await assessMigrations(migrations, new Set(["2"]), {
        ...options,
        wholeHistory: false,
        facts: new Map(["User", "Order", "Log"].map((name) => [`public.${name}`, large])),
      });
      const finding = found[0]?.findings.find((one) => one.rule === rule.id);
      assert.ok(finding, JSON.stringify(found[0]?.findings));
      assert.notEqual(finding.tier, "safe");
    });
  }
});
