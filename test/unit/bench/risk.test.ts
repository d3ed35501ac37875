import assert from "node:assert/strict";
import { compare } from "../../../bench/risk/compare.js";
import { figuresOf } from "../../../bench/risk/figures.js";
import { makeHistory } from "../../../bench/risk/history/make.js";
import type { Observed } from "../../../bench/risk/oracle.js";
import { claimsOfOurs, claimsOfSquawk } from "../../../bench/risk/tools.js";

const nothing = { applied: true, rewrote: [], dropped: [], scanned: [], locked: [] };
const observed: readonly Observed[] = [
  { ...nothing, name: "a", dropped: ["public.t"] },
  { ...nothing, name: "b", dropped: ["public.t.c"] },
  { ...nothing, name: "c" },
  { ...nothing, name: "d", rewrote: ["t"] },
  { ...nothing, name: "e", applied: false, dropped: [] },
];
const file = (name: string) => `migrations/${name}/migration.sql`;
const nameOf = (path: string) => path.split("/")[1] ?? "";
const said = (name: string, tier: "safe" | "risky" | "dangerous", effects: string[], rules: string[] = []) => ({
  ...{ file: file(name), tier, effects },
  findings: rules.map((rule) => ({ rule, tier, line: 1 })),
});

describe("bench risk", () => {
  it("counts what is found, wrong and missed among the files that PostgreSQL applied", () => {
    const claims = claimsOfOurs(
      [said("a", "risky", ["drop"]), said("c", "risky", ["drop"]), said("e", "risky", ["drop"])],
      nameOf,
    );
    const figures = figuresOf("x", "drop", claims, observed);
    assert.deepEqual(figures, { ...figures, hits: 1, wrong: ["c"], missed: ["b"], precision: 0.5, recall: 0.5 });
    const nobody = figuresOf("x", "scan", [], observed);
    assert.deepEqual([nobody.precision, nobody.recall], [1, 1]);
  });

  it("reads squawk's rules by what they say of rows and tables", () => {
    const finding = (name: string, rule_name: string) => ({ file: file(name), line: 0, rule_name });
    const found = [
      finding("a", "ban-drop-table"),
      finding("b", "prefer-text-field"),
      finding("d", "changing-column-type"),
    ];
    const claims = claimsOfSquawk(found, ["a", "b", "d"], nameOf);
    assert.deepEqual(
      claims.map(({ effects }) => [...effects]),
      [["drop"], [], ["rewrite", "scan"]],
    );
  });

  it("names what is called too low, and what only one of both finds", () => {
    const migrations = ["a", "b", "c", "d"].map((name) => ({ name, path: file(name), sql: "" }));
    const squawk = [
      { file: file("c"), line: 0, rule_name: "ban-drop-column" },
      { file: file("b"), line: 0, rule_name: "prefer-robust-stmts" },
    ];
    const ours = [
      said("a", "safe", []),
      said("b", "risky", ["drop"], ["drop-column"]),
      said("c", "safe", []),
      said("d", "safe", ["rewrite"]),
    ];
    const result = compare(migrations, { ours, squawk, observed, least: new Map([["d", "risky"]]) });
    assert.deepEqual(result.safeThatDropped, ["a"]);
    assert.deepEqual(result.calledTooLow, ["d"]);
    assert.deepEqual(result.onlyOurs, { "drop-column": ["b"] });
    assert.deepEqual(result.onlySquawk, { "ban-drop-column": ["c"] });
    assert.deepEqual(result.flagged, { ours: 1, squawk: 2, squawkWithoutStyle: 1 });
  });

  it("makes the same history for the same seed, of all three tiers", async () => {
    const [one, again, other] = [await makeHistory(40, 7), await makeHistory(40, 7), await makeHistory(40, 8)];
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
    assert.ok(one.every(({ sql }) => sql.trim() !== ""));
    assert.deepEqual(new Set(one.map(({ least }) => least)).size, 3);
  });
});
