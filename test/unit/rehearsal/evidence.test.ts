import assert from "node:assert/strict";
import { type Measured, type Thresholds, judgeByEvidence } from "../../../pipeline/rehearsal/evidence.js";
import type { StatementEvidence } from "../../../pipeline/rehearsal/touched.js";
import type { Effect, RiskFinding, Tier } from "../../../pipeline/risk/types.js";

const thresholds: Thresholds = { refusedAfterMs: 1_000, maxRefusedMs: 300_000, largeTableBytes: 1_000 };
const lock = { oid: 1, table: "public.orders", mode: "AccessExclusiveLock", keepsOut: "readers and writers" } as const;
const statement = (more: Partial<StatementEvidence> = {}): StatementEvidence => ({
  ...{ line: 3, durationMs: 5, heldMs: 5, locks: [], rewritten: [], dropped: [] },
  ...more,
});
const finding = (rule: string, tier: Tier, effects: Effect[], ignored?: string): RiskFinding => ({
  ...{ rule, tier, line: 3, message: rule, safer: "", effects },
  ...(ignored === undefined ? {} : { ignored: { reason: ignored } }),
});
const judge = (
  findings: readonly RiskFinding[],
  measured: Partial<Measured>,
  ignoreComments: "allow" | "refuse" = "allow",
) => {
  const [first] = findings.filter(({ ignored }) => ignored === undefined);
  const risk = { file: "f", tier: first?.tier ?? ("safe" as const), effects: [], findings, unknowns: [] };
  const seen = { statements: [statement()], observed: [], wrote: false, ...measured };
  const { asked, tier, verdict, ...rest } = judgeByEvidence({ risk }, { ignoreComments }, seen, thresholds);
  return { said: `${asked} ${verdict} ${tier}`, ...rest };
};
const held = (heldMs: number) => ({ statements: [statement({ heldMs, locks: [lock] })] });
const loses = (effect: "drops" | "deletes" | "changes") => ({
  observed: [{ effect, names: [{ schema: "public", table: "orders" }], rows: 7 }],
});

describe("a migration's tier by what was measured", () => {
  it("is confirmed where nothing speaks against it", () => {
    assert.equal(judge([], {}).said, "safe confirmed safe");
    assert.equal(judge([], held(999)).said, "safe confirmed safe");
    assert.equal(judge([finding("add-check", "risky", ["scan", "lock"])], held(1_000)).said, "risky confirmed risky");
    const drop = finding("drop-table", "dangerous", ["drop", "loss"]);
    assert.equal(judge([drop], loses("drops")).said, "dangerous confirmed dangerous");
  });

  it("is raised by a lock that is held for longer than a request waits, with table, lock and milliseconds", () => {
    const { said, raises } = judge([], held(1_840));
    assert.equal(said, "safe raised risky");
    assert.deepEqual(raises, [
      {
        tier: "risky",
        line: 3,
        message: "held AccessExclusiveLock on public.orders for 1840 ms on the copy; readers and writers wait as long",
      },
    ]);
    assert.equal(judge([finding("add-check", "risky", ["scan"])], held(300_000)).said, "risky raised dangerous");
  });

  it("is raised by a large table that is written anew, however quickly", () => {
    const rewrite = (bytes: number) => ({
      statements: [statement({ rewritten: [{ table: "public.orders", bytes }] })],
    });
    assert.equal(judge([], rewrite(999)).said, "safe confirmed safe");
    assert.equal(judge([], rewrite(1_000)).said, "safe raised risky");
  });

  it("is raised by what it did to data", () => {
    assert.equal(judge([], loses("changes")).said, "safe raised risky");
    assert.equal(judge([], loses("deletes")).said, "safe raised risky");
    assert.equal(judge([finding("rename", "risky", ["breaks"])], loses("drops")).said, "risky raised dangerous");
  });

  it("is not raised where a comment answers for the statement, up to that finding's tier, as long as comments count", () => {
    const answered = finding("create-index", "risky", ["scan", "lock"], "at night");
    assert.equal(judge([answered], held(2_000)).said, "safe confirmed safe");
    assert.equal(judge([answered], held(300_000)).said, "safe raised dangerous");
    assert.equal(judge([answered], loses("changes")).said, "safe raised risky");
    assert.equal(judge([answered], held(2_000), "refuse").said, "risky confirmed risky");
    const other = { statements: [statement({ line: 9, heldMs: 2_000, locks: [lock] })] };
    assert.equal(judge([answered], other).said, "safe raised risky");
  });

  it("is lowered where all that was said was that it takes long, or fails, and it did not", () => {
    const { said, disproved } = judge([finding("add-check", "risky", ["scan", "lock", "fails"])], held(20));
    assert.equal(said, "risky lowered safe");
    assert.deepEqual(disproved, ["line 3: add-check, risky by the file, is safe on this data"]);
    const opaque = finding("opaque", "dangerous", ["opaque", "drop"]);
    assert.equal(judge([opaque], {}).said, "dangerous lowered safe");
    assert.equal(judge([opaque], { wrote: true }).said, "dangerous lowered risky");
    assert.equal(judge([opaque], { wrote: true, ...loses("drops") }).said, "dangerous confirmed dangerous");
  });

  it("is not lowered by what cannot be measured, below the plan's lists, or where nothing was measured", () => {
    for (const [rule, effect] of [
      ["rename", "breaks"],
      ["drop-column", "loss"],
      ["set-unlogged", "irreversible"],
    ] as const)
      assert.equal(judge([finding(rule, "risky", ["lock", effect])], {}).said, "risky confirmed risky");
    assert.equal(judge([finding("add-foreign-key", "risky", ["scan", "lock"])], {}).said, "risky confirmed risky");
    const quick = finding("add-check", "risky", ["scan", "lock"]);
    assert.equal(judge([quick], { statements: undefined }).said, "risky confirmed risky");
    assert.equal(judge([quick], { statements: [statement({ line: 4 })] }).said, "risky confirmed risky");
  });
});
