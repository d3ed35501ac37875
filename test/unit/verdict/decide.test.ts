import assert from "node:assert/strict";
import type { Observed } from "../../../pipeline/contracts.js";
import { columnsThen, tableChanges } from "../../../pipeline/verdict/changes.js";
import { decideVerdict } from "../../../pipeline/verdict/decide.js";
import { describeVerdict } from "../../../pipeline/verdict/describe.js";
import { reasonToHalt } from "../../../pipeline/verdict/goBack.js";

const calm: Observed = {
  applied: ["1", "2", "3"],
  pending: [],
  failed: [],
  astray: [],
  backup: { id: "run", made: "2026-01-01T00:00:00.000Z", proved: true },
  appliedSince: [],
  withoutWayBack: [],
  written: { known: true, changes: [] },
};
const orders = { table: "public.orders", change: "rows", message: "had 4 rows and has 3 (1 fewer)" } as const;
const wrote: Observed["written"] = { known: true, changes: [orders] };

describe("the verdict", () => {
  for (const [what, seen, code, expected] of [
    ["nothing is wrong", {}, undefined, "nothing"],
    ["migrations are pending", { pending: ["4"] }, undefined, "runAgain"],
    ["a lock was in the way", { pending: ["4"] }, "LOCK_TIMEOUT", "runAgain"],
    ["the file is wrong, and changed nothing", { pending: ["4"] }, "MIGRATION_FAILED", "fixAndGoOn"],
    ["the folder is another one", { astray: ["2"] }, undefined, "fixAndGoOn"],
    ["half a migration, nobody wrote", { failed: ["4"] }, "MIGRATION_FAILED", "restore"],
    ["half a migration, somebody wrote", { failed: ["4"], written: wrote }, "MIGRATION_FAILED", "fixAndGoOn"],
    ["verify fails, and there is a way back", { appliedSince: ["3"], written: wrote }, "VERIFY_FAILED", "rollBack"],
    [
      "verify fails, no way back, nobody wrote",
      { appliedSince: ["3"], withoutWayBack: ["3: none"] },
      "VERIFY_FAILED",
      "restore",
    ],
    [
      "verify fails, no way back, somebody wrote",
      { appliedSince: ["3"], withoutWayBack: ["3: none"], written: wrote },
      "VERIFY_FAILED",
      "fixAndGoOn",
    ],
    [
      "a later migration is blocked: those before it stay",
      { appliedSince: ["3"], pending: ["4"] },
      "LOCK_TIMEOUT",
      "runAgain",
    ],
    ["the schema drifted by itself", { drift: "x" }, undefined, "fixAndGoOn"],
  ] as const)
    it(`${what}: ${expected}`, () => {
      const { verdict } = decideVerdict({ ...calm, ...(seen as Partial<Observed>) }, "local", code && { code });
      assert.equal(verdict, expected);
    });

  const options = (seen: Partial<Observed>, environment = "local") =>
    Object.fromEntries(decideVerdict({ ...calm, ...seen }, environment).options.map((one) => [one.action, one]));

  it("says of each way what it would lose, with the command", () => {
    const { restore, rollBack, runAgain } = options({ appliedSince: ["3"], written: wrote }, "staging");
    assert.deepEqual(restore?.loses, ["public.orders had 4 rows and has 3 (1 fewer)"]);
    assert.equal(restore?.command, "NODE_ENV=staging npm run db:restore -- --backup run");
    assert.equal(rollBack?.command, "NODE_ENV=staging npm run db:rollback -- --to 2");
    assert.match(rollBack?.loses.join() ?? "", /into what 3 added/);
    assert.deepEqual([runAgain?.loses, runAgain?.command], [[], "npm run up -- --stack staging"]);
  });
  it("says of a backup that is a DB snapshot that it comes back beside", () => {
    const { backup } = calm;
    assert.ok(backup !== undefined);
    const { restore } = options({ backup: { ...backup, method: "snapshot" } });
    assert.match(restore?.note ?? "", /RDS restores it as an instance of its own beside this one/);
    assert.doesNotMatch(restore?.note ?? "", /kept under another name/);
  });
  it("takes all back by number where nothing is left", () => {
    const { rollBack } = options({ applied: ["1", "2"], appliedSince: ["1", "2"] });
    assert.equal(rollBack?.command, "npm run db:rollback -- --steps 2");
  });
  it("does not say that nothing is lost where that is not known", () => {
    const { restore } = options({ written: { known: false, reason: "a table is locked" } });
    assert.match(restore?.loses.join() ?? "", /not known: a table is locked/);
  });
  it("offers the moment before the migration where the server's log is kept, with its command and what it would lose", () => {
    const at = "2026-01-31T14:05:00.123Z";
    const moment = { at, before: "3", by: "archive" } as const;
    const half = { failed: ["3"], written: wrote, moment };
    const { restoreMoment } = options(half, "prod");
    assert.equal(restoreMoment?.command, `NODE_ENV=production npm run db:restore:checkpoint -- --at ${at}`);
    assert.match(
      restoreMoment.loses.join(),
      new RegExp(`^what was written since ${at}, by the migrations and by others`),
    );
    assert.match(restoreMoment.note ?? "", /just before 3; .*kept under another name; .* npm run recover -- --at 2026/);
    const told = decideVerdict({ ...calm, ...half }, "prod", { code: "MIGRATION_FAILED" });
    assert.match(describeVerdict(told), /^Verdict: fix and go on: .*; or go back to the moment before/);
    assert.match(describeVerdict(told), /^ {2}restore to the moment before: NODE_ENV=production npm run db:restore/m);
    assert.deepEqual(options({ ...half, written: calm.written }).restoreMoment?.loses, []);
    const rds = options({ ...half, moment: { ...moment, by: "rds" } }).restoreMoment;
    assert.match(rds?.note ?? "", /RDS restores it as an instance of its own beside this one/);
    const lost = decideVerdict({ ...calm, ...half, moment: { ...moment, trouble: "no base backup" } }, "prod");
    assert.match(describeVerdict(lost), /restore to the moment before: not possible \(no base backup\)/);
    assert.doesNotMatch(lost.why, /moment/);
    assert.equal(options({ failed: ["3"] }).restoreMoment, undefined);
  });
  it("offers no way that is not there", () => {
    const { backup: _, ...none } = calm;
    const found = decideVerdict({ ...none, failed: ["4"], astray: ["1"] }, "local").options;
    assert.deepEqual(
      found.filter(({ possible }) => possible).map(({ action }) => action),
      ["fixAndGoOn"],
    );
  });
  it("is told in lines, the decision first", () => {
    const text = describeVerdict(
      decideVerdict({ ...calm, appliedSince: ["3"], written: wrote }, "local", { code: "X" }),
    );
    assert.match(text, /^Verdict: roll back: 3 can be taken back by SQL/);
    assert.match(text, /^ {2}restore: npm run db:restore -- --backup run\n {4}loses: public\.orders had 4 rows/m);
  });
});

describe("going back without being asked", () => {
  it("is done only where nothing would be lost", () => {
    assert.equal(reasonToHalt(calm), undefined);
    assert.match(reasonToHalt({ ...calm, written: wrote }) ?? "", /would lose.*public\.orders had 4 rows/);
    assert.match(reasonToHalt({ ...calm, written: { known: false, reason: "late" } }) ?? "", /not known: late/);
    const { backup, ...none } = calm;
    assert.match(reasonToHalt(none) ?? "", /no backup/);
    assert.ok(backup !== undefined);
    const atRds = { ...none, backup: { ...backup, method: "snapshot" as const } };
    assert.match(reasonToHalt(atRds) ?? "", /DB snapshot, which RDS restores as an instance of its own/);
  });
});

describe("what was written since a backup", () => {
  const table = (name: string, rows: number, hash: string, columns = ["a", "b"]) => ({
    schema: "s",
    name,
    rows,
    hash,
    columns,
  });
  it("is seen by table, over the columns that were there then", () => {
    const then = [
      table("same", 1, "1"),
      table("more", 1, "1"),
      table("other", 2, "1"),
      table("cut", 2, "1"),
      table("gone", 9, "1"),
      table("_prisma_migrations", 1, "1"),
    ];
    const now = [
      table("same", 1, "1"),
      table("more", 3, "2"),
      table("other", 2, "2"),
      table("cut", 2, "1", ["a"]),
      table("new", 5, "0", []),
      table("empty", 0, "0", []),
      table("_prisma_migrations", 2, "2"),
    ];
    assert.deepEqual(
      tableChanges(then, now).map((one) => `${one.table} ${one.change}`),
      ["s.more rows", "s.other values", "s.cut columns", "s.gone gone", "s.new new"],
    );
    const passes = columnsThen(then);
    assert.ok(passes({ schema: "s", name: "same" }, "a") && !passes({ schema: "s", name: "same" }, "c"));
    assert.ok(!passes({ schema: "s", name: "new" }, "a"));
  });
  it("is seen by the partitioned table, where it is known of both sides in which one a partition is", () => {
    const part = (name: string, rows: number, hash: string) => ({ ...table(name, rows, hash), partOf: "s.all" });
    const then = [part("p1", 3, "7"), part("p2", 1, "-2")];
    assert.deepEqual(tableChanges(then, [part("p1", 2, "4"), part("p3", 2, "1")]), []);
    const moved = tableChanges(then, [part("p1", 2, "4"), part("p2", 1, "-2")]);
    assert.deepEqual(moved, [{ table: "s.all", change: "rows", message: "had 4 rows and has 3 (1 fewer)" }]);
    const older = [table("p1", 3, "7"), table("p2", 1, "-2")];
    assert.deepEqual(
      tableChanges(older, [part("p1", 2, "4"), part("p2", 2, "1")]).map((one) => `${one.table} ${one.change}`),
      ["s.p1 rows", "s.p2 rows"],
    );
    const passes = columnsThen(then);
    assert.ok(passes({ schema: "s", name: "p3", partOf: "s.all" }, "a"));
    assert.ok(!passes({ schema: "s", name: "p3", partOf: "s.other" }, "a"));
  });
});
