import assert from "node:assert/strict";
import { notifySettings } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { type Ended, type Notice, describeSpan, noticeOf } from "../../../pipeline/notify/notice.js";
import { renderSlack, renderSubject, renderText } from "../../../pipeline/notify/render.js";

const stamp = { run: "r1", environment: "prod", at: "2026-11-25T02:00:00.000Z", durationMs: 1 };
const ref = { name: "20260101000000_add", checksum: "ab" };
const preflight = {
  ...stamp,
  stage: "preflight",
  identity: { systemIdentifier: "1", database: "shop", serverVersion: "17.1" },
  databaseBytes: 1,
  applied: [],
  pending: [ref],
  warnings: [],
  risks: [
    {
      migration: ref.name,
      checksum: "ab",
      tier: "dangerous",
      verdict: "approved",
      why: "",
      findings: [],
      omitted: 0,
      evidence: [],
      prismaWarnings: [],
      unknowns: [],
    },
  ],
};
const migrate = { ...stamp, stage: "migrate", backup: "r1", applied: [{ ...ref, durationMs: 5, attempts: 1 }] };
const error = new PipelineError({
  code: "MIGRATION_FAILED",
  kind: "failedChanged",
  message: "x failed: duplicate key\nDETAIL: Key (email)=(ada@example.org) exists",
  state: "half",
  next: "npm run db:status",
});
const settings = notifySettings.parse({});
const at = new Date("2026-11-25T02:03:12Z");
const say = (ended: Partial<Ended>, more: object = {}) =>
  noticeOf(
    { stage: "verify", environment: "prod", run: "r1", request: {}, outcome: { ok: true, result: {} }, ...ended },
    { ...settings, ...more },
    at,
  );
const ok = (result: unknown) => ({ ok: true, result }) as const;

describe("notices: what is told of a run", () => {
  it("its start, with the migrations and their tiers", () => {
    const notice = say({ stage: "preflight", outcome: ok(preflight) });
    assert.equal(notice?.event, "started");
    assert.equal(notice.title, "prod: 1 migration will be applied");
    assert.deepEqual(notice.facts, [["Migrations", "🔴 20260101000000_add"]]);
  });

  it("who started it outside the window, and why", () => {
    const override = { reason: "the shop is down", by: "Ada", at: stamp.at };
    const window = { state: "overridden", note: "closed", override };
    const notice = say({ stage: "preflight", outcome: ok({ ...preflight, window }) });
    assert.deepEqual(notice?.facts[1], ["Outside the window", "the shop is down (Ada)"]);
  });

  it("its end, with the time since it began", () => {
    const notice = say({ request: { preflight, migrate } });
    assert.equal(notice?.event, "succeeded");
    assert.deepEqual(notice.facts, [
      ["Migrations", "20260101000000_add"],
      ["Backup", "r1"],
      ["Took", "3 min 12 s"],
    ]);
  });

  it("neither of both where nothing is pending, unless every run is told of", () => {
    const none = { stage: "preflight", outcome: ok({ ...preflight, pending: [] }) };
    assert.equal(say(none), undefined);
    assert.equal(say(none, { runs: "every" })?.title, "prod: no migrations will be applied");
    const idle = { request: { migrate: { ...migrate, applied: [] } } };
    assert.equal(say(idle), undefined);
    assert.equal(say(idle, { runs: "every" })?.event, "succeeded");
    // Verify by hand is no run's end.
    assert.equal(say({ request: {} }, { runs: "every" }), undefined);
  });

  it("a failure in any stage, without the lines that may quote the application's data", () => {
    const notice = say({ stage: "migrate", outcome: { ok: false, error } });
    assert.equal(notice?.event, "failed");
    assert.equal(notice.title, "prod: migrate failed (MIGRATION_FAILED)");
    assert.doesNotMatch(JSON.stringify(notice), /ada@example/);
    assert.match(JSON.stringify(notice), /duplicate key.*half.*db:status/);
  });

  it("a refusal, and an interruption, by their names", () => {
    const refused = new PipelineError({ ...error.toJSON(), kind: "refused" });
    const stopped = new PipelineError({ ...error.toJSON(), kind: "interrupted" });
    assert.equal(say({ stage: "preflight", outcome: { ok: false, error: refused } })?.event, "refused");
    assert.match(say({ stage: "backup", outcome: { ok: false, error: stopped } })?.title ?? "", /backup was stopped/);
  });

  it("going back, with the database that was kept", () => {
    const moment = "2026-01-31T14:05:00.000Z";
    const toMoment = say({ stage: "restore", outcome: ok({ backup: "base", moment }) });
    assert.match(toMoment?.title ?? "", /: restored to 2026-01-31T14:05:00.000Z$/);
    const notice = say({ stage: "restore", outcome: ok({ backup: "b1", kept: "shop_before" }) });
    assert.equal(notice?.event, "rolledBack");
    assert.deepEqual(
      notice.facts.map(([, text]) => text),
      ["b1", "shop_before"],
    );
    assert.equal(say({ stage: "rollback", outcome: ok({}) })?.title, "prod: rolled back");
  });

  it("a failure after which the run took the database back by itself, as that", () => {
    const back = new PipelineError({ ...error.toJSON(), kind: "failedUnchanged", state: "restored", wentBack: true });
    const notice = say({ stage: "verify", outcome: { ok: false, error: back } });
    assert.equal(notice?.event, "rolledBack");
    assert.equal(
      notice.title,
      "prod: verify failed (MIGRATION_FAILED), and the database was taken back to before the run",
    );
    assert.deepEqual(
      notice.facts.map(([label]) => label),
      ["What", "State", "Next"],
    );
    assert.equal(say({ outcome: { ok: false, error: back } }, { events: ["failed"] }), undefined);
  });

  it("nothing else, and no event that is not asked for", () => {
    assert.equal(say({ stage: "backup", outcome: ok({}) }), undefined);
    assert.equal(say({ stage: "migrate", outcome: { ok: false, error } }, { events: ["refused"] }), undefined);
  });

  it("spans in words", () =>
    assert.deepEqual([59_600, 3_599_000, 7_260_000, -5].map(describeSpan), [
      "1 min 0 s",
      "59 min 59 s",
      "2 h 1 min",
      "0 s",
    ]));
});

describe("notices: how it is written", () => {
  const notice: Notice = {
    event: "failed",
    environment: "prod",
    run: "r1",
    title: "prod: <!channel> & more",
    facts: [["What", "a < b\nc"]],
  };

  it("for Slack, so that no text makes a mention", () => {
    const slack = JSON.stringify(renderSlack(notice, "s3://bucket/report"));
    assert.match(slack, /"text":"prod: &lt;!channel&gt; &amp; more"/);
    assert.match(slack, /"color":"danger"/);
    assert.match(slack, /a &lt; b\\nc/);
    assert.match(slack, /s3:\/\/bucket\/report/);
  });

  it("for e-mail", () => {
    assert.equal(renderText(notice, "R"), "prod: <!channel> & more\n\nWhat: a < b\n  c\nRun: r1\nReport: R\n");
    assert.equal(renderSubject({ ...notice, title: `próximo\n${"x".repeat(200)}` }).length, 99);
    assert.match(renderSubject({ ...notice, title: "é\nx" }), /^x$/);
  });
});
