import assert from "node:assert/strict";
import fc from "fast-check";
import { databaseSchema } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { parseBaseBackups } from "../../../pipeline/recovery/archive.js";
import { describeLate } from "../../../pipeline/recovery/lateBackups.js";
import { baseFor, targetTime } from "../../../pipeline/recovery/moment.js";
import { stanzaOf } from "../../../pipeline/recovery/stanza.js";
import { describeUntried, readTried, recordTried } from "../../../pipeline/recovery/tried.js";
import { wantedBy } from "../../../pipeline/store/chooseBackup.js";
import { openStore } from "../../../pipeline/store/open.js";
import { byHand, moment } from "../../../tools/commands/byHand.js";
import { findMoment, momentBefore } from "../../../pipeline/verdict/moment.js";
import { temporaryStore } from "../../pipeline/backupFixtures.js";

const hour = 3_600_000;
const noon = Date.parse("2026-06-01T12:00:00Z");
const backups = [
  { label: "full", completeMs: noon - 48 * hour, stop: "F/FFFFFF00", bytes: 1, added: 1 },
  { label: "diff", completeMs: noon - 24 * hour, stop: "10/5000100", bytes: 1, added: 1 },
];
const refusal = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof PipelineError && error.code === code && error.kind === "refused" && words.test(error.message);

describe("recovery to a moment", () => {
  it("begins with the newest base backup that was complete by then", () => {
    const base = (ms: number) => baseFor(new Date(ms), backups, new Date(noon)).label;
    assert.equal(base(noon - 1), "diff");
    assert.equal(base(noon - 24 * hour), "diff");
    assert.equal(base(noon - 24 * hour - 1), "full");
    assert.equal(base(noon - 48 * hour), "full");
  });

  it("is refused for a moment that is not over, or not kept, saying since when it is", () => {
    const at = (ms: number) => () => baseFor(new Date(ms), backups, new Date(noon));
    assert.throws(at(noon), refusal("MOMENT", /has not been yet: the server's clock says 2026-06-01T12/));
    assert.throws(at(noon - 48 * hour - 1), refusal("MOMENT", /complete at 2026-05-30T12:00:00/));
    assert.throws(() => baseFor(new Date(0), [], new Date(noon)), refusal("MOMENT", /no base backup/));
  });

  it("is, before a migration, a millisecond before the first that counts; on RDS whole seconds, at another clock", async () => {
    const begun = new Date("2026-06-01T12:00:00.500Z");
    assert.equal(momentBefore(begun, "archive").toISOString(), "2026-06-01T12:00:00.499Z");
    assert.equal(momentBefore(begun, "rds").toISOString(), "2026-06-01T11:59:59.000Z");
    const on = (host: string, rows: { name: string; startedAt: Date }[]) => {
      const database = databaseSchema.parse({ host, port: 5432, name: "n", user: "u", password: { from: "none" } });
      return findMoment({ database }, { signal: new AbortController().signal }, rows);
    };
    const rds = "shop-dev.abcdef123456.eu-west-1.rds.amazonaws.com";
    const rows = [
      { name: "2_b", startedAt: new Date(begun.getTime() + 5_000) },
      { name: "1_a", startedAt: begun },
    ];
    assert.deepEqual(await on(rds, rows), { at: "2026-06-01T11:59:59.000Z", before: "1_a", by: "rds" });
    assert.equal(await on(rds, []), undefined);
    assert.equal(await on("127.0.0.1", rows), undefined);
  });

  it("takes a moment with its time zone, and no other", () => {
    assert.equal(moment("2026-01-31T15:05:00+01:00"), "2026-01-31T14:05:00.000Z");
    assert.equal(moment("2026-01-31T14:05Z"), "2026-01-31T14:05:00.000Z");
    const wrong = ["2026-01-31T14:05:00", "2026-01-31", "yesterday", "", "2026-13-01T00:00:00Z", "1769868300"];
    for (const text of wrong) assert.throws(() => moment(text), /with its time zone/, text);
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }), (date) => {
        assert.equal(moment(date.toISOString()), date.toISOString());
        // What PostgreSQL is told is the same moment.
        assert.equal(Date.parse(targetTime(date).replace(" ", "T").replace("+00", "Z")), date.getTime());
      }),
    );
  });

  it("is one way of naming a backup among the others", () => {
    assert.throws(
      () => wantedBy({ backup: "newest", checkpoint: "a", at: "2026-01-31T14:05:00Z" }),
      /in 2 ways at once/,
    );
    const asked = (flags: object) => byHand["restore:checkpoint"]?.ask({ environment: "staging", ...flags }).more;
    assert.deepEqual(asked({}), { checkpoint: "newest" });
    assert.deepEqual(asked({ at: "T" }), { at: "T" });
    assert.deepEqual(asked({ at: "T", name: "n", into: "d" }), { at: "T", checkpoint: "n", into: "d" });
    assert.deepEqual(byHand["recover"]?.ask({ environment: "staging", at: "T" }), {
      stage: "recover",
      more: { at: "T" },
    });
  });

  it("reads what pgBackRest has, without backups that found damage", () => {
    const of = (label: string, stop: number, error = false) => ({
      label,
      error,
      type: "full",
      timestamp: { start: stop - 5, stop },
      lsn: { start: "0/1", stop: "0/2" },
      info: { delta: 1, size: 4_096, repository: { delta: 512 } },
    });
    const info = (...backup: object[]) =>
      JSON.stringify([{ name: "staging", status: { code: 0, message: "ok" }, archive: [], backup }]);
    assert.deepEqual(parseBaseBackups(info(of("b", 20), of("a", 10), of("c", 30, true)), "staging"), [
      { label: "a", completeMs: 10_000, stop: "0/2", bytes: 4_096, added: 512 },
      { label: "b", completeMs: 20_000, stop: "0/2", bytes: 4_096, added: 512 },
    ]);
    for (const text of [info(), "[]"])
      assert.throws(() => parseBaseBackups(text, "staging"), /no base backup of "staging" yet/);
  });

  it("is said to be at risk once base backups have failed for two nights, or where there is none", () => {
    const after = (hours: number) => describeLate(backups, new Date(noon - 24 * hour + hours * hour));
    assert.equal(after(49), undefined);
    assert.match(after(50) ?? "", /the newest base backup of the server, diff, is 50 hours old/);
    assert.match(describeLate([], new Date(noon)) ?? "", /no base backup/);
  });

  it("is said to be uncertain where it was never tried, or not for a month; a record that is none counts as none", async () => {
    const made = await temporaryStore();
    const store = openStore(made.url);
    const at = new Date(noon).toISOString();
    const after = async (days: number) =>
      describeUntried(await readTried(store, "staging"), new Date(noon + days * 24 * hour));
    assert.match((await after(0)) ?? "", /never recovered/);
    await recordTried(store, "staging", { at, moment: at, base: "b", durationMs: 1 });
    assert.equal(await after(30), undefined);
    assert.match((await after(31)) ?? "", /31 days ago/);
    await store.write("staging/recovery.json", "{}");
    assert.match((await after(0)) ?? "", /never recovered/);
    await made.remove();
  });

  it("is refused without an archive; on RDS with the commands that do it beside, never over the instance", () => {
    const on = (host: string, archive?: { stanza: string }) =>
      stanzaOf({
        environment: "dev",
        run: "r",
        at: "2026-01-31T14:05:00.000Z",
        database: databaseSchema.parse({ host, port: 5432, name: "n", user: "u", password: { from: "none" }, archive }),
      } as Parameters<typeof stanzaOf>[0]);
    assert.equal(on("/var/run/postgresql", { stanza: "staging" }), "staging");
    assert.throws(() => on("127.0.0.1"), refusal("NO_ARCHIVE", /not archived/));
    assert.throws(
      () => on("shop-dev.abcdef123456.eu-west-1.rds.amazonaws.com"),
      (error: unknown) =>
        refusal("NO_ARCHIVE", /is RDS/)(error) &&
        /--source-db-instance-identifier shop-dev --target-db-instance-identifier shop-dev-at-20260131140500 --restore-time 2026-01-31T14:05:00.000Z/.test(
          (error as PipelineError).next,
        ),
    );
  });
});
