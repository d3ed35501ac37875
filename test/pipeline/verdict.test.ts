import assert from "node:assert/strict";
import path from "node:path";
import { writeFile } from "node:fs/promises";
import {
  type BackupResult,
  type Database,
  type MigrateResult,
  type StageRequest,
  notifySettings,
  verdictRequest,
} from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { noticeOf } from "../../pipeline/notify/notice.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { backup } from "../../pipeline/stages/backup.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { verdict } from "../../pipeline/stages/verdict.js";
import { verify } from "../../pipeline/stages/verify.js";
import { listBackups } from "../../pipeline/store/listBackups.js";
import { openStore } from "../../pipeline/store/open.js";
import { withVerdict } from "../../pipeline/verdict/append.js";
import { findWritten } from "../../pipeline/verdict/observe.js";
import { testCluster } from "../support/postgres.js";
import { apply, comparison } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { thrownBy } from "../support/thrownBy.js";
import { databasesLike, query, quiet, temporaryStore, unrehearsed } from "./backupFixtures.js";

const model = "model Thing {\n  id Int @id @default(autoincrement())\n  note String?\n}\n";
/** Verify finds that the sequence would hand out numbers that are taken. */
const wrong = `ALTER TABLE "Thing" ADD COLUMN note text;\nSELECT setval('"Thing_id_seq"', 1);`;

describe("the verdict after a failure", function () {
  this.timeout(120_000);
  const name = "judged";
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  const dropAll = async () => (await testCluster()).dropLike(name);
  beforeEach(async () => {
    await dropAll();
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "app owner" });
    project = await writeProject({ "1_init": 'CREATE TABLE "Thing" (id serial PRIMARY KEY);' }, model);
    await apply(database, project, "1_init");
    await query(database, 'INSERT INTO "Thing" SELECT FROM generate_series(1, 50)');
  });
  afterEach(async () => {
    await project.remove();
    await store.remove();
  });
  after(dropAll);

  const base = (onFailure = "halt"): StageRequest =>
    requestOf(
      { database, project, store },
      { run: `run-${++runs}`, settings: { migrate: { lockTimeoutMs: 100, lockRetries: 0, onFailure } } },
    );
  const failureOf = (work: Promise<unknown>) => thrownBy(work, PipelineError);
  const migrating = (request: StageRequest, made: BackupResult): Promise<MigrateResult> =>
    withVerdict(migrate)(unrehearsed(request, made), quiet);
  /** A run whose migration is applied, and does not pass verify. */
  const failVerify = async (request: StageRequest, between: () => Promise<unknown> = () => Promise.resolve()) => {
    await project.migration("2_wrong", wrong);
    const made = await backup(request, quiet);
    await between();
    const migrated = await migrating(request, made);
    return failureOf(withVerdict(verify)({ ...request, backup: made, migrate: migrated }, quiet));
  };
  /** What those are told of a run who have a stake in it. */
  const everything = notifySettings.parse({});
  const ended = (request: StageRequest, error: PipelineError) =>
    ({ stage: "verify", environment: "local", run: request.run, request, outcome: { ok: false, error } }) as const;
  const [back, halted] = [
    [true, "rolledBack"],
    [undefined, "failed"],
  ];
  const appliedNow = async () => (await comparison(database, project)).applied.map((one) => one.name);

  it("is to restore where there is no way back and nobody wrote, and to roll back where there is one", async () => {
    const error = await failVerify(base());
    assert.equal(error.code, "VERIFY_FAILED");
    assert.equal(error.kind, "failedChanged");
    assert.match(error.next, /Verdict: restore: .*2_wrong: it has no down\.sql.*nobody wrote/);
    assert.match(error.next, /restore: npm run db:restore -- --backup run-\d+\n {4}loses nothing/);
    await writeFile(path.join(project.migrations, "2_wrong", "down.sql"), 'ALTER TABLE "Thing" DROP COLUMN note;');
    await query(database, 'DELETE FROM "Thing" WHERE id > 40');
    const byHand = await verdict(verdictRequest.parse(base()), quiet);
    assert.deepEqual(byHand.observed.appliedSince, ["2_wrong"]);
    const { rollBack, restore } = Object.fromEntries(byHand.options.map((one) => [one.action, one]));
    assert.equal(rollBack?.command, "npm run db:rollback -- --to 1_init");
    assert.ok(rollBack.possible);
    assert.deepEqual(restore?.loses, ["public.Thing had 50 rows and has 40 (10 fewer)"]);
    assert.deepEqual(await appliedNow(), ["1_init", "2_wrong"], "halt: nothing was gone back");
  });

  it("with onFailure rollback, restores what was there where nobody wrote, and keeps what it leaves", async () => {
    const request = base("rollback");
    const error = await failVerify(request);
    assert.equal(error.kind, "failedUnchanged");
    assert.deepEqual([error.wentBack, noticeOf(ended(request, error), everything, new Date())?.event], back);
    assert.match(error.state, /Backup run-\d+ was restored.*is kept as "judged_before_\d+_\d+"\.$/m);
    assert.deepEqual(await appliedNow(), ["1_init"]);
    assert.equal((await query(database, 'SELECT FROM "Thing"')).length, 50);
    const [, kept = ""] = await databasesLike(database, name);
    assert.equal((await query({ ...database, name: kept }, 'SELECT note FROM "Thing"')).length, 50);
  });

  it("with onFailure rollback, halts where somebody wrote since the backup, and says what would be lost", async () => {
    const request = base("rollback");
    const error = await failVerify(request, () => query(database, 'INSERT INTO "Thing" DEFAULT VALUES'));
    assert.equal(error.kind, "failedChanged");
    assert.deepEqual([error.wentBack, noticeOf(ended(request, error), everything, new Date())?.event], halted);
    assert.match(error.state, /not gone back by itself.*public\.Thing had 50 rows and has 51 \(1 more\)/);
    assert.match(error.next, /Verdict: fix and go on/);
    assert.deepEqual(await appliedNow(), ["1_init", "2_wrong"]);
    assert.deepEqual(await databasesLike(database, name), [name]);
  });

  it("with onFailure rollback, takes back the migrations before the one that failed", async () => {
    await project.migration("2_fine", 'ALTER TABLE "Thing" ADD COLUMN note text;');
    await project.migration("3_broken", "SELECT 1/0;");
    const request = base("rollback");
    const error = await failureOf(migrating(request, await backup(request, quiet)));
    assert.equal(error.code, "MIGRATION_FAILED");
    assert.match(error.state, /^Backup run-\d+ was restored.*\nBefore that: .*kept: 2_fine/);
    assert.deepEqual(await appliedNow(), ["1_init"]);
  });

  describe("with onFailure rollback, and a down.sql that the rehearsal proved", () => {
    const down = 'ALTER TABLE "Thing" DROP COLUMN note, DROP COLUMN kind;';
    const forward = `ALTER TABLE "Thing" ADD COLUMN note text, ADD COLUMN kind text NOT NULL DEFAULT 'plain';`;
    /** A rehearsed run after whose migration something is written, and which verify then ends. */
    const failRehearsed = async (between: string, edited = down) => {
      await project.migration("2_fine", forward);
      const file = path.join(project.migrations, "2_fine", "down.sql");
      await writeFile(file, down);
      const request = base("rollback");
      const made = await backup(request, quiet);
      const rehearsal = await rehearse({ ...request, backup: made }, quiet);
      const migrated = await withVerdict(migrate)({ ...request, backup: made, rehearsal }, quiet);
      await writeFile(file, edited);
      await query(database, `${between}; SELECT setval('"Thing_id_seq"', 1)`);
      return failureOf(withVerdict(verify)({ ...request, backup: made, migrate: migrated, rehearsal }, quiet));
    };

    it("takes the migrations back, and what was written since stays", async () => {
      const error = await failRehearsed('INSERT INTO "Thing" (id) VALUES (51)');
      assert.equal(error.kind, "failedUnchanged", error.state);
      assert.match(
        error.state,
        /2_fine was taken back with the down\.sql that the rehearsal proved.*what was written since is there\. Backup run-\d+-back holds/,
      );
      assert.deepEqual(await appliedNow(), ["1_init"]);
      assert.equal((await query(database, 'SELECT id FROM "Thing"')).length, 51);
      assert.deepEqual(await databasesLike(database, name), [name], "nothing was restored");
    });

    it("halts where somebody wrote into what they added, and elsewhere too", async () => {
      const error = await failRehearsed(`INSERT INTO "Thing" (id, kind) VALUES (51, 'plain'), (52, 'rare')`);
      assert.equal(error.kind, "failedChanged");
      assert.match(error.state, /has 52 \(2 more\)\. Not by SQL either: .*public\.Thing\.kind is new and holds values/);
      assert.deepEqual(await appliedNow(), ["1_init", "2_fine"]);
    });

    it("restores where nobody wrote and the down.sql is another by now", async () => {
      const error = await failRehearsed("SELECT 1", `${down} -- edited`);
      assert.match(error.state, /Backup run-\d+ was restored/);
      assert.deepEqual(await appliedNow(), ["1_init"]);
    });
  });

  it("is to run again where a lock was in the way, without reading the tables", async () => {
    await project.migration("2_fine", 'ALTER TABLE "Thing" ADD COLUMN note text;');
    const request = base("rollback");
    const made = await backup(request, quiet);
    const holder = await connect(database, { applicationName: "holder" });
    await holder.query('BEGIN; LOCK TABLE "Thing" IN ACCESS SHARE MODE');
    const error = await failureOf(migrating(request, made));
    await holder.end();
    assert.equal(error.kind, "failedUnchanged");
    assert.match(error.next, /^End or wait for those sessions.*\nVerdict: run again: /);
    assert.match(error.next, /not known: the data was not compared/);
    assert.deepEqual(await databasesLike(database, name), [name]);
  });

  it("does not read longer than it may, and says so", async () => {
    await backup(base(), quiet);
    const blocker = await connect(database, { applicationName: "blocker" });
    await blocker.query('BEGIN; LOCK TABLE "Thing" IN ACCESS EXCLUSIVE MODE');
    const [made] = await listBackups(openStore(store.url), "local");
    const seen = await findWritten(base(), quiet, { data: true, limitMs: 200 }, made);
    await blocker.end();
    assert.ok(!seen.known && /longer than 200 ms; npm run db:verdict/.test(seen.reason), JSON.stringify(seen));
  });
});
