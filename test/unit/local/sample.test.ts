import assert from "node:assert/strict";
import fc from "fast-check";
import { reasonToKeep, type Contents } from "../../../pipeline/local/sample.js";
import { parseBytes, sizeFor } from "../../../pipeline/local/sampleSize.js";
import { atomicMark } from "../../../pipeline/prisma/history.js";

const baseline = [{ name: "1_a" }, { name: "2_b" }];
const row = (name: string, finished = true, logs: string | null = null): Contents["history"][number] => ({
  id: "x",
  name,
  finishedAt: finished ? new Date(0) : null,
  rolledBackAt: null,
  logs,
});

describe("sample: whether a database may be filled", () => {
  for (const [what, contents, kept] of [
    ["new", { history: [], relations: 0, anyRow: false }, false],
    ["interrupted between two migrations", { history: [row("1_a")], relations: 3, anyRow: false }, false],
    ["interrupted before its data", { history: [row("1_a"), row("2_b")], relations: 9, anyRow: false }, false],
    ["killed in a migration", { history: [row("1_a", false, atomicMark("x"))], relations: 0, anyRow: false }, false],
    ["filled", { history: [row("1_a"), row("2_b")], relations: 9, anyRow: true }, true],
    [
      "emptied by its owner later",
      { history: [row("1_a"), row("2_b"), row("3_c")], relations: 9, anyRow: false },
      true,
    ],
    ["of another application", { history: [], relations: 1, anyRow: false }, true],
    ["of another history", { history: [row("0_x")], relations: 1, anyRow: false }, true],
    ["half migrated by somebody else", { history: [row("1_a", false, "ERROR")], relations: 1, anyRow: false }, true],
  ] as const) {
    it(`${what}: ${kept ? "kept" : "filled"}`, () =>
      assert.equal(reasonToKeep(contents, baseline) !== undefined, kept));
  }
});

describe("sample: size", () => {
  it("reads sizes", () => {
    assert.equal(parseBytes("100MB"), 100_000_000);
    assert.equal(parseBytes("1.5 GB"), 1_500_000_000);
  });
  for (const wrong of ["", "100", "MB", "-1MB", "100mb", "1 PB"]) {
    it(`refuses "${wrong}"`, () => assert.throws(() => parseBytes(wrong), RangeError));
  }
  it("grows with the size asked for, five orders a user", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4_000 }), fc.integer({ min: 1, max: 4_000 }), (a, b) => {
        const [less, more] = [sizeFor(`${Math.min(a, b)}MB`), sizeFor(`${Math.max(a, b)}MB`)];
        assert.ok(less.users >= 1 && less.users <= more.users && more.orders === more.users * 5);
      }),
    );
  });
});
