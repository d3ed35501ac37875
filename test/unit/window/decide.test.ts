import assert from "node:assert/strict";
import { describeWindow } from "../../../components/windowReport.js";
import { type WindowOverride, settingsSchema, windowSettings } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { assertStillOpen } from "../../../pipeline/window/assert.js";
import { decideWindow } from "../../../pipeline/window/decide.js";
import { overrideOf, readOverride } from "../../../tools/windowOverride.js";

const now: WindowOverride = { reason: "the shop is down", by: "Ada", at: "2026-11-25T12:00:00.000Z" };
const inside = new Date("2026-11-26T03:00:00Z");
const outside = new Date("2026-11-26T12:00:00Z");
const hours = { open: [{ days: ["thu"], from: "02:00", to: "05:00" }] };
const decide = (window: object, at: Date, more: { pending?: number; traffic?: number; now?: WindowOverride } = {}) => {
  const { pending = 1, traffic, now: override } = more;
  const settings = { ...windowSettings.parse(window), ...(override === undefined ? {} : { now: override }) };
  return decideWindow({ window: settings, pending, at, ...(traffic === undefined ? {} : { traffic }) });
};

describe("maintenance window: decision", () => {
  it("lets a run through inside, saying until when", () =>
    assert.deepEqual(decide(hours, inside), {
      kind: "passed",
      record: { state: "open", note: "the maintenance window is open until Thu 26 Nov 2026, 05:00 UTC" },
    }));

  it("refuses it outside, with the next opening", () => {
    const decision = decide(hours, outside);
    assert.ok(decision.kind === "refused" && decision.code === "OUTSIDE_WINDOW");
    assert.match(decision.reason, /thu 02:00–05:00, UTC.*opens Thu 3 Dec 2026, 02:00 to 05:00 UTC \(in 6 d 14 h\)/);
  });

  it("asks nothing where nothing is pending, unless every run is held to it", () => {
    assert.equal(decide(hours, outside, { pending: 0 }).kind, "passed");
    assert.equal(decide({ ...hours, appliesTo: "every" }, outside, { pending: 0 }).kind, "refused");
    const decision = decide({}, outside);
    assert.ok(decision.kind === "passed" && decision.record.state === "notAsked");
  });

  it("records the word by which a run goes on nevertheless, and only where it was needed", () => {
    const outsideRun = decide(hours, outside, { now });
    assert.ok(outsideRun.kind === "passed");
    assert.equal(outsideRun.record.state, "overridden");
    assert.deepEqual(outsideRun.record.override, now);
    assert.match(outsideRun.record.note, /outside the maintenance window/);
    const insideRun = decide(hours, inside, { now });
    assert.ok(insideRun.kind === "passed" && insideRun.record.override === undefined);
  });

  it("holds a run to the traffic that is allowed, by itself or with hours", () => {
    const quiet = { lowTraffic: { transactionsPerSecond: 20 } };
    assert.deepEqual(decide(quiet, outside, { traffic: 20 }), {
      kind: "passed",
      record: { state: "open", note: "traffic is low", transactionsPerSecond: 20 },
    });
    const busy = decide({ ...hours, ...quiet }, inside, { traffic: 20.06 });
    assert.ok(busy.kind === "refused" && busy.code === "TRAFFIC");
    assert.match(busy.reason, /runs 20\.1 transactions a second, and window\.lowTraffic allows 20/);
    assert.equal(decide({ ...hours, ...quiet }, inside, { traffic: 21, now }).kind, "passed");
  });

  it("is asked again before the first migration, and says how to go on", () => {
    const settings = (more: object) => settingsSchema.parse({ backup: {}, preflight: {}, migrate: {}, window: more });
    const database = { host: "/tmp", port: 1, name: "x", user: "x", password: { from: "none" as const } };
    const ask = (at: Date, more: object = {}, predictedMs = 0) =>
      assertStillOpen({ environment: "prod", database, settings: settings({ ...hours, ...more }) }, 1, predictedMs, at);
    ask(inside);
    ask(inside, {}, 1_000);
    ask(inside, { now }, 86_400_000);
    assert.throws(
      () => ask(inside, {}, 86_400_000),
      (error) =>
        error instanceof PipelineError && /closes at .*, and the migrations took 86400\.0 s in the/.test(error.message),
    );
    ask(outside, { now });
    assert.throws(
      () => ask(outside),
      (error) =>
        error instanceof PipelineError &&
        error.code === "OUTSIDE_WINDOW" &&
        error.kind === "refused" &&
        /SAFE_MIGRATION_NOW="WHY".*npm run up -- --stack prod --now "WHY"/.test(error.next),
    );
  });

  it("is told of in a preview, which refuses nothing", () => {
    const say = (more: object, pending = 1) =>
      describeWindow({ ...windowSettings.parse(hours), ...more }, pending, outside);
    assert.match(say({}) ?? "", /^Preflight would refuse now: outside .*opens Thu 3 Dec/);
    assert.match(say({ now }) ?? "", /on the word of Ada: the shop is down/);
    assert.equal(say({}, 0), undefined);
  });
});

describe("maintenance window: the word that overrides it", () => {
  it("comes from the environment, with who gave it", () => {
    const given = readOverride("/", { SAFE_MIGRATION_NOW: "  the shop is down ", USER: "ada" });
    assert.equal(given?.reason, "the shop is down");
    assert.ok((given?.by ?? "") !== "");
    assert.equal(readOverride("/", { SAFE_MIGRATION_NOW: " " }), undefined);
    assert.equal(readOverride("/", {}), undefined);
  });

  it("stays that of the last run where that is kept, so that no request changes", () => {
    const last = { run: "one", key: "k", migrations: [], now };
    const other = { ...now, reason: "another" };
    assert.equal(overrideOf("one", last, other), now);
    assert.equal(overrideOf("one", { ...last, now: undefined }, other), undefined);
    assert.equal(overrideOf("two", last, other), other);
    assert.equal(overrideOf("two", undefined, undefined), undefined);
  });
});
