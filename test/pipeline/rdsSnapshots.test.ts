import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StageRequest } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { listBackups } from "../../pipeline/store/listBackups.js";
import { among } from "../../pipeline/postgres/touchedRows.js";
import { openStore } from "../../pipeline/store/open.js";
import { typescript } from "../support/typescript.js";
import { failsWith, query, quiet, recording } from "./backupFixtures.js";
import { type OnRds, onRds, rdsEnvironment } from "./rdsFixture.js";

/**
 * `backup.method: snapshot`. RDS's control plane is a stand-in, held to its schema; what it makes and restores are PostgreSQL servers. That
 * AWS takes these requests, lets the role make them, and how long it takes, is not proved here.
 */
describe("backups by DB snapshots of RDS", function () {
  this.timeout(180_000);
  let on: OnRds;
  const next = "2_next";
  const losing = "3_losing";
  const items = () => query(on.own.superuser, "SELECT count(*)::int AS count FROM items");

  before(async function () {
    on = await onRds(this);
  });
  afterEach(async () => {
    on.rds.allow();
    await on.project.withdraw(losing);
    assert.deepEqual(await on.rds.estate.running(), [on.own.name], "no copy is left");
    assert.deepEqual(await items(), [{ count: 400 }], "the data is as it was");
  });
  after(() => on.stop());

  /** Writes to the database until it is told to stop. */
  function write(): () => Promise<void> {
    let writing = true;
    const written = (async () => {
      for (let n = 0; writing; n++) {
        await query(
          on.own.database,
          `UPDATE items SET seen = seen + 1 WHERE id = 1 + ${n} % 50; DELETE FROM notes WHERE id = (SELECT min(id) FROM notes);
           INSERT INTO notes (item, text) SELECT 1 + i, 'n' FROM generate_series(1, 5) i`,
        );
        await sleep(5);
      }
    })();
    return () => {
      writing = false;
      return written;
    };
  }

  it("proves the copy of a server that is written to all along, row by row, and applies what was rehearsed there", async () => {
    await on.project.migration(next, "ALTER TABLE items ADD COLUMN note text");
    const asked = on.request("busy");
    const stop = write();
    const { context, lines } = recording();
    const seen = await preflight(asked, context);
    const made = await backup({ ...asked, preflight: seen }, context).finally(stop);
    assert.equal(made.physical?.method, "snapshot");
    assert.deepEqual(made.physical.unlogged, ["public.cache"]);
    const [listed] = await listBackups(openStore(on.store.url), rdsEnvironment);
    const touched = listed?.manifest.touched?.map(({ name }) => name) ?? [];
    assert.ok(touched.includes("items") && touched.includes("notes"), `not written to meanwhile: ${touched.join()}`);
    const rehearsal = await rehearse({ ...asked, preflight: seen, backup: made }, context);
    assert.equal(rehearsal.verdict, "proved");
    assert.match(rehearsal.summary, /on an instance that RDS restored from its DB snapshot$/);
    const told = /every row of the backup's fingerprints, and what \d+ transaction\(s\) wrote after them/;
    assert.ok(
      lines.some((line) => told.test(line)),
      lines.join("\n"),
    );
    const { applied } = await migrate({ ...asked, backup: made, rehearsal }, quiet);
    assert.deepEqual(
      applied.map(({ name }) => name),
      [next],
    );
    const [kept] = await on.snapshots();
    assert.deepEqual([kept?.backup, kept?.purpose], ["busy", "backup"]);
    const [restored] = on.rds.requests.filter(({ action }) => action === "RestoreDBInstanceFromDBSnapshot");
    const value = (name: string) => restored?.parameters.get(name);
    assert.deepEqual(
      [value("DBParameterGroupName"), value("DeletionProtection"), value("PubliclyAccessible"), value("MultiAZ")],
      ["copy-parameters", "false", "false", "false"],
    );
  });

  it("knows the transactions of a time by their numbers, also where these begin anew", async () => {
    const wrap = 2n ** 32n;
    const told = async (from: bigint, to: bigint, numbers: readonly bigint[]) => {
      const sql = numbers.map((number) => `(${among(`'${number}'`, { from, to })})`).join(", ");
      const [row] = await query<{ found: boolean[] }>(on.own.superuser, `SELECT ARRAY[${sql}] AS found`);
      return row?.found;
    };
    assert.deepEqual(await told(10n, 13n, [9n, 10n, 12n, 13n]), [false, true, true, false]);
    const last = wrap - 2n;
    // In the second time around: 4294967294, 4294967295, 0, 1.
    assert.deepEqual(await told(wrap + last, 2n * wrap + 2n, [last - 1n, last, wrap - 1n, 0n, 1n, 2n]), [
      ...[false, true, true, true, true, false],
    ]);
    assert.deepEqual(await told(5n, 5n, [5n]), [false]);
    assert.deepEqual(await told(5n, 5n + wrap / 2n, [4n]), [true], "too many to be told apart");
  });

  it("stops a migration that loses data in the rehearsal, and deletes the copy", async () => {
    const asked = on.request("losing");
    const made = await backup(asked, quiet);
    await on.project.migration(losing, "UPDATE items SET name = NULL WHERE id BETWEEN 101 AND 107");
    await assert.rejects(rehearse({ ...asked, backup: made }, quiet), failsWith("UNDECLARED_LOSS", /7 rows/));
  });

  it("finds a copy that is not what was fingerprinted", async () => {
    const asked = on.request("other");
    const made = await backup(asked, quiet);
    on.rds.estate.alter("UPDATE items SET name = 'x' WHERE id = 400");
    // The other value was written by a transaction that came later, and nothing explains that the row is not there as it was.
    await assert.rejects(
      rehearse({ ...asked, backup: made }, quiet),
      failsWith("RESTORED_DIFFERS", /public\.items has other values/),
    );
  });

  it("deletes, in the next run, what one left that was killed while RDS worked for it", async () => {
    const made = await backup(on.request("before"), quiet);
    let go = () => undefined as void;
    on.rds.estate.slow = new Promise((resolve) => (go = resolve));
    await killedWhile("backup", on.request("killed"), "CreateDBSnapshot");
    await killedWhile(
      "rehearse",
      { ...on.request("before"), backup: made } as StageRequest,
      "RestoreDBInstanceFromDBSnapshot",
    );
    go();
    const purposes = async () => (await on.snapshots()).map(({ purpose }) => purpose);
    assert.ok((await purposes()).includes("making"), "a DB snapshot without a backup is left");
    while ((await on.rds.estate.running()).length < 2) await sleep(100);
    const asked = on.request("after");
    const again = await backup(asked, quiet);
    assert.ok(!(await purposes()).includes("making"));
    const { context, lines } = recording();
    const { verdict } = await rehearse({ ...asked, backup: again }, context);
    assert.equal(verdict, "proved");
    assert.equal(lines.filter((line) => /the copy, is being deleted/.test(line)).length, 2);
  });

  it("says what RDS refuses and why, with what to do, and loses nothing by it", async () => {
    const before = await on.backups();
    const made = await backup(on.request("refusals"), quiet);
    const refused = async (action: string, code: string, expected: string, said: RegExp) => {
      on.rds.refuse(action, { code, message: `User: arn:aws:sts::1:x is not to ${action}` });
      const stage =
        action === "RestoreDBInstanceFromDBSnapshot"
          ? rehearse({ ...on.request("refusals"), backup: made }, quiet)
          : backup(on.request("refused"), quiet);
      await assert.rejects(stage, (error: Error & { next?: string }) => {
        failsWith(expected)(error);
        assert.match(`${error.message} ${error.next ?? ""}`, said);
        return true;
      });
      on.rds.allow();
    };
    await refused("CreateDBSnapshot", "AccessDenied", "RDS_DENIED", /npm run up -- --stack dev/);
    await refused(
      "CreateDBSnapshot",
      "SnapshotQuotaExceeded",
      "RDS_QUOTA",
      /Manual DB instance snapshots.*backup\.keep/,
    );
    await refused("CreateDBSnapshot", "InvalidDBInstanceState", "RDS_STATE", /wait until nothing else is done to it/);
    await refused("RestoreDBInstanceFromDBSnapshot", "InstanceQuotaExceeded", "RDS_QUOTA", /"DB instances"/);
    await refused("RestoreDBInstanceFromDBSnapshot", "InsufficientDBInstanceCapacity", "RDS_CAPACITY", /instanceClass/);
    on.rds.refuse("DescribeDBSnapshots", { code: "ThrottlingException", message: "Rate exceeded", times: 3 });
    await backup(on.request("throttled"), quiet);
    on.rds.estate.say("modifying");
    await assert.rejects(preflight(on.request("modifying"), quiet), failsWith("RDS_STATE", /is "modifying"/));
    on.rds.estate.say("backing-up");
    await preflight(on.request("waiting"), quiet);
    const waiting = backup(on.request("waiting"), quiet);
    const asked = on.rds.count("DescribeDBInstances");
    while (on.rds.count("DescribeDBInstances") < asked + 3) await sleep(50);
    on.rds.estate.say("available");
    await waiting;
    const ids = (await on.backups()).filter((one) => !before.includes(one));
    assert.deepEqual(ids, ["waiting complete", "throttled complete", "refusals complete"]);
  });

  it("keeps as many as it is told, and the newest that is proved; the DB snapshots go with their backups", async () => {
    const asked = on.request("kept-1");
    const made = await backup(asked, quiet);
    await rehearse({ ...asked, backup: made }, quiet);
    on.rds.refuse("DeleteDBSnapshot", { code: "AccessDenied", message: "no", times: 1 });
    for (const run of ["kept-2", "kept-3"]) await backup(on.request(run, { keep: 1 }), quiet);
    assert.deepEqual(await on.backups(), ["kept-3 complete", "kept-1 complete"]);
    // What could not be deleted when its backup went is, by the next run.
    await backup(on.request("kept-4", { keep: 2 }), quiet);
    const left = (await on.snapshots()).map(({ backup: of }) => of).sort();
    assert.deepEqual(left, ["kept-1", "kept-3", "kept-4"]);
  });

  it("tells of a backup whose DB snapshot somebody has deleted, and refuses to rehearse it", async () => {
    const asked = on.request("deleted");
    const made = await backup(asked, quiet);
    const mine = (await on.snapshots()).find(({ backup: of }) => of === "deleted");
    await on.rds.forget(mine?.identifier ?? "");
    assert.ok((await on.backups()).includes("deleted damaged"));
    await assert.rejects(rehearse({ ...asked, backup: made }, quiet), failsWith("SNAPSHOT_GONE"));
  });

  /** Runs a stage in a process of its own, which is killed once RDS was asked for something. */
  async function killedWhile(stage: string, request: StageRequest, action: string): Promise<void> {
    const cli = join(__dirname, "../../pipeline/cli.ts");
    const before = on.rds.count(action);
    const child = spawn(process.execPath, [...typescript, cli, stage], { stdio: ["pipe", "ignore", "ignore"] });
    child.stdin.end(JSON.stringify(request));
    while (on.rds.count(action) === before) {
      assert.equal(child.exitCode, null, "it ended by itself");
      await sleep(50);
    }
    await sleep(300);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
  }
});
