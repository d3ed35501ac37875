import assert from "node:assert/strict";
import type { Approval } from "../../../pipeline/contracts.js";
import { type Assessed, countedTier, decideGate } from "../../../pipeline/gate/decide.js";
import { type Policy, policyMistake, policyOf } from "../../../pipeline/gate/policy.js";
import { assertApproved } from "../../../pipeline/gate/refusal.js";
import { renderRisks } from "../../../pipeline/gate/markdown.js";
import { summarise } from "../../../pipeline/gate/summary.js";
import { PipelineError } from "../../../pipeline/errors.js";
import type { RiskFinding, Tier } from "../../../pipeline/risk/types.js";

const sha = "a".repeat(64);
const other = "b".repeat(64);
const strict: Policy = { risky: "acknowledge", dangerous: "approve", ignoreComments: "allow" };
const asksNothing: Policy = { risky: "pass", dangerous: "pass", ignoreComments: "allow" };

const finding = (tier: Tier, more: Partial<RiskFinding> = {}): RiskFinding => ({
  rule: "drop-table",
  tier,
  line: 3,
  message: 'Table "orders" is dropped.',
  safer: "Rename it first.",
  effects: ["drop"],
  ...more,
});
const assessed = (tier: Tier, more: Partial<Assessed> = {}): Assessed => ({
  migration: "1_change",
  checksum: sha,
  risk: {
    file: "1_change/migration.sql",
    tier,
    effects: [],
    findings: tier === "safe" ? [] : [finding(tier)],
    unknowns: [],
  },
  evidence: [],
  prismaWarnings: [],
  nothingToLose: false,
  ...more,
});
const approval = (tier: Approval["tier"], more: Partial<Approval> = {}): Approval => ({
  migration: "1_change",
  checksum: sha,
  tier,
  by: "Ada <ada@example.org>",
  at: "2026-01-02T03:04:05.000Z",
  reason: "unused since May",
  ...more,
});
const { reason: _, ...noReason } = approval("dangerous");

describe("gate: what is let through", () => {
  const cases: [string, Assessed, Policy, Approval[], string][] = [
    ["safe, nothing approved", assessed("safe"), strict, [], "safe"],
    ["risky, nothing approved", assessed("risky"), strict, [], "refused: no approval"],
    ["dangerous, nothing approved", assessed("dangerous"), strict, [], "refused: no approval"],
    ["risky where nothing is asked", assessed("risky"), asksNothing, [], "passed: this environment asks for nothing"],
    [
      "dangerous where nothing is asked",
      assessed("dangerous"),
      asksNothing,
      [],
      "passed: this environment asks for nothing",
    ],
    ["risky, approved", assessed("risky"), strict, [approval("risky")], "approved"],
    ["risky, approved as dangerous", assessed("risky"), strict, [approval("dangerous")], "approved"],
    ["dangerous, approved", assessed("dangerous"), strict, [approval("dangerous")], "approved"],
    [
      "dangerous, approved as risky",
      assessed("dangerous"),
      strict,
      [approval("risky")],
      "refused: approved as risky, is dangerous now",
    ],
    [
      "an edited file",
      assessed("dangerous", { checksum: other }),
      strict,
      [approval("dangerous")],
      "refused: approval is for another version of the file",
    ],
    [
      "an edited file, approved again beside the old approval",
      assessed("dangerous", { checksum: other }),
      strict,
      [approval("dangerous"), approval("dangerous", { checksum: other })],
      "approved",
    ],
    [
      "another migration's approval with the same text",
      assessed("risky"),
      strict,
      [approval("risky", { migration: "2_change" })],
      "refused: no approval",
    ],
    [
      "dangerous, approved without a reason",
      assessed("dangerous"),
      strict,
      [noReason],
      "refused: approval gives no reason",
    ],
    [
      "dangerous, without a reason where none is asked",
      assessed("dangerous"),
      { ...strict, dangerous: "acknowledge" },
      [noReason],
      "approved",
    ],
    ["risky, approved without a reason", assessed("risky"), strict, [{ ...noReason, tier: "risky" }], "approved"],
    [
      "dangerous on a database without a row",
      assessed("dangerous", { nothingToLose: true }),
      strict,
      [],
      "passed: the database holds no row",
    ],
  ];
  for (const [what, migration, policy, approvals, expected] of cases) {
    it(`${what}: ${expected}`, () => {
      const { passes, decisions } = decideGate([migration], policy, approvals);
      const verdict = decisions[0]?.verdict;
      const said =
        verdict?.kind === "refused"
          ? `refused: ${verdict.why}`
          : verdict?.kind === "passed"
            ? `passed: ${verdict.because}`
            : verdict?.kind;
      assert.equal(said, expected);
      assert.equal(passes, !expected.startsWith("refused"));
    });
  }

  it("one that is refused holds back all", () => {
    const { passes, decisions } = decideGate(
      [assessed("safe"), assessed("risky", { migration: "2_change" })],
      strict,
      [],
    );
    assert.equal(passes, false);
    assert.deepEqual(
      decisions.map(({ verdict }) => verdict.kind),
      ["safe", "refused"],
    );
  });

  it("an ignore comment answers for a finding, unless the policy does not accept it", () => {
    const ignored = assessed("safe");
    const risk = { ...ignored.risk, findings: [finding("dangerous", { ignored: { reason: "unused" } })] };
    assert.equal(countedTier(risk, { ignoreComments: "allow" }), "safe");
    assert.equal(countedTier(risk, { ignoreComments: "refuse" }), "dangerous");
    assert.equal(decideGate([{ ...ignored, risk }], { ...strict, ignoreComments: "refuse" }, []).passes, false);
  });
});

describe("gate: policy", () => {
  const byEnvironment = { risky: "byEnvironment", dangerous: "byEnvironment", ignoreComments: "allow" } as const;
  for (const environment of ["local", "dev"])
    it(`${environment} asks for nothing unless told to`, () => {
      assert.deepEqual(policyOf(environment, byEnvironment), asksNothing);
      assert.equal(policyOf(environment, { ...byEnvironment, dangerous: "approve" }).dangerous, "approve");
    });
  for (const environment of ["staging", "prod", "somewhere"])
    it(`${environment} asks unless told not to`, () => {
      assert.deepEqual(policyOf(environment, byEnvironment), strict);
      assert.equal(policyOf(environment, { ...byEnvironment, risky: "pass" }).risky, "pass");
    });

  it("that asks less for dangerous than for risky is a mistake", () => {
    assert.match(policyMistake({ ...strict, dangerous: "pass" }) ?? "", /risk\.dangerous asks for less \(pass\)/);
    assert.equal(policyMistake(strict), undefined);
    assert.equal(policyMistake(asksNothing), undefined);
  });
});

describe("gate: what is said", () => {
  const refused = decideGate([assessed("dangerous")], strict, []);

  it("a refusal names migration, reason, line, safer way and the exact command", () => {
    assert.throws(
      () => assertApproved("prod", refused),
      (error: unknown) => {
        assert.ok(error instanceof PipelineError);
        assert.equal(error.code, "RISK_NOT_APPROVED");
        assert.equal(error.kind, "refused");
        assert.match(error.message, /1_change: dangerous, refused: no approval/);
        assert.match(
          error.message,
          /line 3: dangerous, drop-table: Table "orders" is dropped\.\n {4}safer: Rename it first/,
        );
        assert.match(error.next, /^npm run approve -- --stack prod 1_change --tier dangerous --reason "WHY"$/m);
        return true;
      },
    );
    assert.doesNotThrow(() => assertApproved("prod", decideGate([assessed("safe")], strict, [])));
  });

  it("a summary is short, whatever a file holds, and leaves safe ones out", () => {
    const many = assessed("dangerous");
    const findings = Array.from({ length: 400 }, () => finding("dangerous", { message: "x".repeat(9_000) }));
    const { decisions } = decideGate([{ ...many, risk: { ...many.risk, findings } }, assessed("safe")], strict, []);
    const [summary, ...rest] = summarise(decisions);
    assert.deepEqual(rest, []);
    assert.equal(summary?.findings.length, 20);
    assert.equal(summary?.omitted, 380);
    assert.ok(JSON.stringify(summary).length < 20_000);
  });

  it("Markdown: text of files and people makes no HTML, table cell or mention of its own", () => {
    const evil = "a | b\n# c <script> @all [x](y) `z`";
    const { decisions } = decideGate(
      [
        {
          ...assessed("risky"),
          evidence: [evil],
          risk: { ...assessed("risky").risk, findings: [finding("risky", { message: evil })] },
        },
      ],
      strict,
      [],
    );
    const text = renderRisks(summarise(decisions), "npm run approve");
    assert.match(text, /^\*\*1 of these migrations is not let through\.\*\*/);
    assert.ok(!text.includes("<script>") && !text.includes("@all") && !text.includes("[x](y)"));
    const row = text.split("\n").find((line) => line.startsWith("| 3 "));
    assert.equal(row?.replaceAll("\\|", "").split("|").length, 7);
    assert.equal(renderRisks([]), "No pending migration is above safe.");
  });
});
