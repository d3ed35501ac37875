import assert from "node:assert/strict";
import { parse } from "yaml";
import { parseConfig } from "../../../config.js";
import type { Approval } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import type { Assessed } from "../../../pipeline/gate/decide.js";
import type { Tier } from "../../../pipeline/risk/types.js";
import { type Known, judge } from "../../../tools/approve/judge.js";
import { listApprovals } from "../../../tools/approve/list.js";
import { withApproval } from "../../../tools/approve/stackApprovals.js";

const approval: Approval = {
  migration: "20260601000000_1",
  checksum: `123e45${"0".repeat(58)}`,
  tier: "dangerous",
  by: "Ada: <ada@example.org>",
  at: "2026-01-02T03:04:05.000Z",
  reason: 'old; says "no": # really',
};
const read = (text: string) =>
  parseConfig("prod", (parse(text) as { config: Record<string, unknown> }).config).approvals;
const write = (text: string, one = approval) => withApproval(text, one, "Pulumi.prod.yaml");

describe("approve: the stack's file", () => {
  for (const [what, text] of [
    ["empty", ""],
    ["all defaults", "# The stack.\nconfig: {}\n"],
    ["settings named and nothing in it", "config:\n"],
    ["other settings", "encryptionsalt: v1:x\nconfig:\n  # why\n  safe-migration:backup: { keep: 3 } # kept\n"],
    ["an empty list", "config:\n  safe-migration:approvals: []\n"],
    ["settings between braces", "config: { safe-migration:backup: { keep: 3 } }\n"],
  ] as const)
    it(`with ${what}: what is written is read, as it was`, () => {
      const written = write(text);
      assert.deepEqual(read(written), [approval]);
      for (const comment of text.match(/#.*/g) ?? []) assert.ok(written.includes(comment), comment);
    });

  it("leaves what is not about approvals byte by byte", () => {
    const text = [
      "# The stack.",
      "",
      "config:",
      "  aws:region: eu-west-1",
      "",
      "  # Long transactions are usual here.",
      "  safe-migration:preflight: { drift: warn, longTransactionSeconds: 600 }",
      "  safe-migration:migrate:",
      "    lockTimeoutMs: 1000 # short",
      "    'lockRetries': 3",
      "",
    ].join("\n");
    assert.ok(write(text).startsWith(text));
  });

  it("appends, and replaces an earlier approval of the same migration", () => {
    const second = { ...approval, migration: "20260602000000_other" };
    const renewed = { ...approval, checksum: "f".repeat(64) };
    assert.deepEqual(read(write(write(write(""), second), renewed)), [renewed, second]);
  });

  it("is quoted, so that an older YAML takes no time, name or checksum for something else than text", () => {
    const asOlder = parse(write(""), { version: "1.1" }) as { config: Record<string, unknown[]> };
    assert.deepEqual(asOlder.config["safe-migration:approvals"], [approval]);
  });

  for (const [what, text] of [
    ["no YAML", "config: [\n"],
    ["a list", "- 1\n"],
    ["other things where settings belong", "config: 3\n"],
    ["approvals that are no list", "config:\n  safe-migration:approvals: yes\n"],
  ] as const)
    it(`refuses ${what}`, () =>
      assert.throws(
        () => write(text),
        (error: unknown) => error instanceof PipelineError && error.kind === "usage",
      ));
});

describe("approve: what may be approved", () => {
  const assessed = (tier: Tier, migration: string): Assessed => ({
    migration,
    checksum: "a".repeat(64),
    risk: { file: migration, tier, effects: [], findings: [], unknowns: [] },
    evidence: [],
    prismaWarnings: [],
    nothingToLose: false,
  });
  const known: Known = {
    policy: { risky: "acknowledge", dangerous: "approve", ignoreComments: "allow" },
    last: { run: "r", key: "k", migrations: [{ name: "1_old", checksum: "c" }] },
    folder: ["1_old", "2_safe", "3_risky", "4_dangerous"],
    assessed: [assessed("safe", "2_safe"), assessed("risky", "3_risky"), assessed("dangerous", "4_dangerous")],
  };
  const ask = (name: string, more: { tier?: Approval["tier"]; reason?: string; known?: Known } = {}) =>
    judge({ environment: "prod", name, tier: more.tier, reason: more.reason }, more.known ?? known);

  it("a risky one, with or without a reason; a dangerous one with a reason", () => {
    assert.deepEqual(ask("3_risky"), { migration: "3_risky", checksum: "a".repeat(64), tier: "risky" });
    assert.equal(ask("4_dangerous", { reason: "unused" }).tier, "dangerous");
  });

  it("as the higher tier that preflight named, never as a lower one than the file shows", () => {
    assert.equal(ask("3_risky", { tier: "dangerous", reason: "unused" }).tier, "dangerous");
    assert.equal(ask("4_dangerous", { tier: "risky", reason: "unused" }).tier, "dangerous");
    assert.equal(ask("2_safe", { tier: "risky" }).tier, "risky");
  });

  for (const [name, message, more] of [
    ["5_none", /no migration "5_none"/, {}],
    ["1_old", /already applied/, {}],
    ["2_safe", /is safe and needs none/, {}],
    ["4_dangerous", /asks why/, {}],
    ["3_risky", /asks for nothing/, { known: { ...known, policy: { ...known.policy, risky: "pass" } } as Known }],
  ] as const)
    it(`not ${name}: ${message.source}`, () =>
      assert.throws(
        () => ask(name, more),
        (error: unknown) => error instanceof PipelineError && message.test(error.message) && error.next !== "",
      ));

  it("a name that is nearly right is told", () =>
    assert.throws(
      () => ask("risky"),
      (error: unknown) => error instanceof PipelineError && /3_risky/.test(error.next),
    ));

  it("--list shows the pending ones with their commands, and approvals of no more use", () => {
    const text = listApprovals("prod", known, [{ ...approval, migration: "1_old" }]);
    assert.match(text, /2_safe: safe\n/);
    assert.match(text, /approve: npm run approve -- --stack prod 4_dangerous --tier dangerous/);
    assert.match(text, /1_old: approved as dangerous by Ada.*; applied/);
  });
});
