import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type RestoreRequest,
  type RestoreResult,
  recoverRequest,
  restoreRequest,
  verdictRequest,
} from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { readSecret } from "../../pipeline/postgres/secret.js";
import { backup } from "../../pipeline/stages/backup.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { recover } from "../../pipeline/stages/recover.js";
import { restore } from "../../pipeline/stages/restore.js";
import { verdict } from "../../pipeline/stages/verdict.js";
import { readProvedBackup } from "../../pipeline/store/provedAge.js";
import { openStore } from "../../pipeline/store/open.js";
import { failsWith, query, quiet, recording } from "./backupFixtures.js";
import { type OnRds, onRds, rdsEnvironment } from "./rdsFixture.js";

/** On a stand-in for RDS, as in rdsSnapshots.test.ts. */
describe("going back on RDS", function () {
  this.timeout(180_000);
  let on: OnRds;
  let moment = "";
  const asked = (more: object): RestoreRequest => restoreRequest.parse({ ...on.request("restoring"), ...more });
  const at = (time: Date | string) => asked({ at: typeof time === "string" ? time : time.toISOString() });
  const names = async () => (await on.rds.estate.running()).filter((name) => name !== on.own.name);
  /** What is in the database of an instance that was restored. */
  const there = async ({ instance }: RestoreResult, sql: string) => {
    assert.ok(instance !== undefined);
    const { host, port, secret } = instance;
    assert.ok((await readSecret(secret)).length > 0);
    return query({ ...on.own.database, host, port, password: { from: "secretsManager", arn: secret } }, sql);
  };
  const items = "SELECT count(*)::int AS count FROM items";

  before(async function () {
    on = await onRds(this, { archived: true });
    await backup(on.request("good"), quiet);
    await sleep(1_100);
    // RDS goes by whole seconds.
    moment = new Date(Math.ceil(Date.now() / 1_000) * 1_000).toISOString();
    await sleep(2_100);
    await query(on.own.database, "UPDATE items SET name = NULL WHERE id <= 40; DELETE FROM items WHERE id > 390");
  });
  afterEach(async () => {
    on.rds.allow();
    assert.deepEqual(await query(on.own.superuser, items), [{ count: 390 }], "the original is as it was");
  });
  after(() => on.stop());

  it("restores a DB snapshot as an instance beside, once, and says what can be done with it", async () => {
    const { context, lines } = recording();
    const made = await restore(asked({ backup: "good" }), context);
    assert.deepEqual(await there(made, items), [{ count: 400 }]);
    assert.equal((await readProvedBackup(openStore(on.store.url), rdsEnvironment))?.by, "restore");
    const { instance } = made;
    assert.ok(instance !== undefined && !instance.found && made.kept === undefined);
    const steps = instance.steps.join("\n");
    for (const step of [
      /psql -h 127\.0\.0\.1/,
      new RegExp(`--new-db-instance-identifier ${on.own.name} `),
      /pulumi stack import --stack dev/,
    ])
      assert.match(steps, step);
    for (const step of instance.steps) assert.ok(lines.includes(step), "each is told");
    const again = await restore(asked({ backup: "good" }), quiet);
    assert.deepEqual([again.instance?.identifier, again.instance?.found], [instance.identifier, true]);
    assert.equal(on.rds.count("RestoreDBInstanceFromDBSnapshot"), 1);
  });

  it("says so where the instance that it finds was written to since", async () => {
    const made = await restore(asked({ backup: "good" }), quiet);
    await there(made, "UPDATE items SET name = 'other' WHERE id = 1");
    const { context } = recording();
    await assert.rejects(restore(asked({ backup: "good" }), context), (error: PipelineError) => {
      failsWith("RESTORED_DIFFERS", /public\.items/)(error);
      assert.match(error.state, /may have been written to since/);
      return true;
    });
  });

  it("restores to a moment, of the log, and tells what differs since", async () => {
    const { differences, instance, ...made } = await restore(at(moment), quiet);
    // What is unlogged is in no log.
    assert.deepEqual(differences, [
      "public.cache had 0 rows and has 1 (1 more)",
      "public.items had 400 rows and has 390 (10 fewer)",
    ]);
    assert.deepEqual(await there({ instance, ...made }, `${items} WHERE name IS NOT NULL`), [{ count: 400 }]);
    const [request] = on.rds.requests.filter(({ action }) => action === "RestoreDBInstanceToPointInTime");
    assert.equal(request?.parameters.get("RestoreTime"), moment.replace(".000", ""));
    assert.equal((await names()).length, 2);
  });

  it("goes on, with the same command, with what was begun when it was stopped", async () => {
    const later = new Date(Date.parse(moment) + 1_000);
    let go = () => undefined as void;
    on.rds.estate.slow = new Promise((resolve) => (go = resolve));
    const stop = new AbortController();
    const first = restore(at(later), { ...quiet, signal: stop.signal });
    while (on.rds.count("RestoreDBInstanceToPointInTime") < 2) await sleep(20);
    await sleep(200);
    stop.abort();
    await assert.rejects(first, (error: PipelineError) => {
      failsWith("INTERRUPTED")(error);
      assert.match(error.next, /db:restore:checkpoint -- --at .* or give it up: aws rds delete-db-instance/);
      return true;
    });
    go();
    const { instance } = await restore(at(later), quiet);
    assert.equal(instance?.found, true);
    assert.equal(on.rds.count("RestoreDBInstanceToPointInTime"), 2);
  });

  it("refuses, with the moments that there are, what is not kept", async () => {
    const before = on.rds.count("RestoreDBInstanceToPointInTime");
    const window = /RDS can restore to any second from .*T.*Z to .*T.*Z/;
    await assert.rejects(restore(at("2020-01-01T00:00:00Z"), quiet), failsWith("MOMENT", window));
    await assert.rejects(restore(at(new Date(Date.now() + 60_000)), quiet), failsWith("MOMENT", window));
    assert.equal(on.rds.count("RestoreDBInstanceToPointInTime"), before);
  });

  it("refuses another environment's database, and to recover by itself what RDS restores beside", async () => {
    const wrong = restoreRequest.parse({ ...at(moment), environment: "staging" });
    await query(on.own.superuser, "COMMENT ON DATABASE happy_baby_style IS '[safe_migration.environment=dev]'");
    await assert.rejects(restore(wrong, quiet), failsWith("WRONG_ENVIRONMENT"));
    const settings = { ...on.request("r").settings, application: { process: "", account: "", healthUrl: "" } };
    for (const more of [{ at: moment }, { backup: "good" }]) {
      const request = recoverRequest.parse({ ...on.request("recovering"), ...more, settings });
      await assert.rejects(recover(request, quiet), failsWith("RESTORED_BESIDE"));
    }
  });
});

describe("a DB snapshot beside a dump", function () {
  this.timeout(180_000);
  let on: OnRds;
  const risky = { migration: "2_r", checksum: "x", verdict: "approved", why: "", findings: [], omitted: 0 } as const;
  const rest = { evidence: [], prismaWarnings: [], unknowns: [] };

  before(async function () {
    on = await onRds(this);
  });
  afterEach(() => on.rds.allow());
  after(() => on.stop());

  /** A backup of a run in which a migration of this tier is pending. */
  async function backedUp(run: string, tier: "risky" | "dangerous", snapshotBefore: string, keep = 2) {
    const asked = on.request(run, { method: "dump", snapshotBefore, keep });
    const seen = await preflight(asked, quiet);
    const risks = [{ ...risky, ...rest, tier, findings: [] }];
    return backup({ ...asked, preflight: { ...seen, risks } }, quiet);
  }

  it("is made before what is more than safe, where that is asked for, is named by the verdict, and restored beside", async () => {
    assert.equal((await backedUp("calm", "risky", "dangerous")).dbSnapshot, undefined);
    const { dbSnapshot, physical } = await backedUp("risky", "risky", "risky");
    assert.ok(dbSnapshot !== undefined && physical === undefined);
    assert.deepEqual(
      (await on.snapshots()).map(({ backup: of, purpose }) => [of, purpose]),
      [["risky", "backup"]],
    );
    await query(on.own.database, "DELETE FROM items WHERE id > 390");
    const { options } = await verdict(verdictRequest.parse(on.request("verdict")), quiet);
    const option = options.find(({ action }) => action === "restoreSnapshot");
    assert.match(option?.command ?? "", /db:restore -- --backup risky --db-snapshot$/);
    assert.deepEqual(option?.loses, ["public.items had 400 rows and has 390 (10 fewer)"]);
    const asked = restoreRequest.parse({ ...on.request("back"), backup: "risky", dbSnapshot: true });
    const { instance, rows, differences } = await restore(asked, quiet);
    assert.match(instance?.identifier ?? "", /^sm-dev-beside-/);
    // With one of the history.
    assert.equal(rows, 401);
    assert.deepEqual(differences, ["public.cache has 0 rows, expected 1"]);
    await assert.rejects(restore({ ...asked, backup: "calm" }, quiet), failsWith("NO_DB_SNAPSHOT"));
  });

  it("goes with the backup when that fails, and the backup with it; and when it is retired", async () => {
    const before = await on.backups();
    on.rds.refuse("CreateDBSnapshot", { code: "SnapshotQuotaExceeded", message: "full" });
    await assert.rejects(backedUp("quota", "dangerous", "risky"), failsWith("RDS_QUOTA"));
    on.rds.allow();
    await query(on.own.superuser, "REVOKE SELECT ON items FROM pipeline");
    await assert.rejects(backedUp("denied", "dangerous", "risky"));
    await query(on.own.superuser, "GRANT SELECT ON items TO pipeline");
    assert.deepEqual(await on.backups(), before);
    await backedUp("next", "dangerous", "risky", 1);
    const left = (await on.snapshots()).map(({ backup: of }) => of);
    assert.deepEqual(left, ["next"], "that of the failed one, and of the one that retention removed, are gone");
  });
});
