import assert from "node:assert/strict";
import { readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { type Database, type RestoreRequest, checkpointRequest } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { swapDatabases } from "../../pipeline/postgres/swap.js";
import { readDatabaseProperties } from "../../pipeline/postgres/databaseProperties.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { backup } from "../../pipeline/stages/backup.js";
import { backups } from "../../pipeline/stages/backups.js";
import { checkpoint } from "../../pipeline/stages/checkpoint.js";
import { restore } from "../../pipeline/stages/restore.js";
import { testCluster } from "../support/postgres.js";
import {
  backupOf,
  databasesLike,
  failsWith,
  maintain,
  query,
  quiet,
  restoreOf,
  temporaryStore,
} from "./backupFixtures.js";

describe("which backup is restored, and where to", function () {
  this.timeout(120_000);
  const name = "chosen";
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;

  const dropAll = async () => (await testCluster()).dropLike(name);
  const count = async (of = name) =>
    Number((await query<{ n: string }>({ ...database, name: of }, "SELECT count(*) AS n FROM items"))[0]?.n);
  const shrink = (to: number) => query(database, `DELETE FROM items WHERE i > ${to}`);
  const take = (run: string, keep = 14) => {
    const request = backupOf(database, store.url, run);
    return backup(
      { ...request, settings: { ...request.settings, backup: { ...request.settings.backup, keep } } },
      quiet,
    );
  };
  const put = (more: Partial<RestoreRequest> = {}) => restore({ ...restoreOf(database, store.url), ...more }, quiet);
  const mark = (title: string, action?: "remove") =>
    checkpoint(checkpointRequest.parse({ ...backupOf(database, store.url, "marking"), name: title, action }), quiet);
  const list = (verify = false) => backups({ ...backupOf(database, store.url), verify }, quiet);

  beforeEach(async () => {
    await dropAll();
    store = await temporaryStore();
    database = await (await testCluster()).create(name);
    await query(database, "CREATE TABLE items AS SELECT i FROM generate_series(1, 100) i");
  });
  afterEach(() => store.remove());
  after(dropAll);

  it("is the newest of a run, or the one that is named; not both at once", async () => {
    await take("first");
    await shrink(50);
    await take("first");
    await shrink(10);
    await take("second");
    assert.equal((await put({ ofRun: "first" })).backup, "first-2");
    assert.equal(await count(), 50);
    assert.equal((await put({ backup: "first" })).backup, "first");
    assert.equal(await count(), 100);
    await assert.rejects(
      put({ ofRun: "third" }),
      failsWith("NO_BACKUP", /no complete backup of run "third".*second \(/),
    );
    await assert.rejects(put({ ofRun: "first", backup: "second" }), failsWith("BACKUP_NAMED_TWICE", /second, first/));
    assert.equal(await count(), 100);
  });

  it("goes into a new database, and the environment's own stays as it is", async () => {
    await take("run");
    await shrink(10);
    const { into, kept } = await put({ into: "chosen copy" });
    assert.deepEqual([into, kept], ["chosen copy", undefined]);
    assert.deepEqual([await count("chosen copy"), await count()], [100, 10]);
    assert.deepEqual(await databasesLike(database, name), [name, "chosen copy"]);
    await assert.rejects(put({ into: "chosen copy" }), failsWith("TARGET_EXISTS", /"chosen copy" already/));
    await assert.rejects(put({ into: name }), (error: unknown) => {
      failsWith("TARGET_EXISTS", /is the database of "local" itself/)(error);
      return error instanceof PipelineError && !/DROP DATABASE/.test(error.next);
    });
    await assert.rejects(put({ into: "postgres" }), failsWith("MAINTENANCE_DATABASE"));
    assert.deepEqual(await databasesLike(database, name), [name, "chosen copy"]);
  });

  it("puts aside no database that took the name meanwhile", async () => {
    await maintain(database, `CREATE DATABASE ${name}_restored`);
    const properties = await withClient(database, { applicationName: "test" }, (client) =>
      readDatabaseProperties(client),
    );
    await assert.rejects(
      swapDatabases(database, { restored: `${name}_restored`, properties, replace: false, patienceMs: 0 }),
      failsWith("TARGET_EXISTS"),
    );
    assert.deepEqual(await databasesLike(database, name), [name, `${name}_restored`]);
    assert.equal(await count(), 100);
  });

  it("is not restored over, or beside, the database of another environment", async () => {
    await take("run");
    await maintain(database, `ALTER DATABASE ${name} SET "safe_migration.environment" = 'prod'`);
    await assert.rejects(put(), failsWith("WRONG_ENVIRONMENT", /meant for "local".*"prod"/));
    await assert.rejects(put({ into: "chosen copy" }), failsWith("WRONG_ENVIRONMENT"));
    assert.deepEqual(await databasesLike(database, name), [name]);
  });

  it("may be a checkpoint, which has a name of its own and stays", async () => {
    const made = await mark("before-sale");
    assert.equal(made.id, "checkpoint-before-sale");
    await shrink(50);
    await mark("after-sale");
    await shrink(10);
    await assert.rejects(mark("before-sale"), failsWith("CHECKPOINT_EXISTS", /never replaced/));
    for (const run of ["a", "b", "c"]) await take(run, 1);
    assert.deepEqual(
      (await list()).backups.map(({ id, checkpoint: title }) => [id, title]),
      [
        ["c", undefined],
        ["checkpoint-after-sale", "after-sale"],
        ["checkpoint-before-sale", "before-sale"],
      ],
    );
    const newest = await put({ checkpoint: "newest" });
    assert.deepEqual([newest.backup, newest.checkpoint], ["checkpoint-after-sale", "after-sale"]);
    assert.equal(await count(), 50);
    await put({ checkpoint: "before-sale" });
    assert.equal(await count(), 100);
    await assert.rejects(put({ checkpoint: "other" }), failsWith("NO_BACKUP", /no complete checkpoint "other"/));
  });

  it("a checkpoint goes only when it is told to, and not where nothing else could be restored", async () => {
    await mark("only");
    await assert.rejects(mark("only", "remove"), failsWith("LAST_BACKUP"));
    await assert.rejects(mark("other", "remove"), failsWith("NO_CHECKPOINT", /there are: only/));
    await take("run");
    assert.equal((await mark("only", "remove")).id, "checkpoint-only");
    assert.deepEqual(
      (await list()).backups.map(({ id }) => id),
      ["run"],
    );
    await mark("only");
  });

  it("two checkpoints of one name at once: one is made", async () => {
    const both = await Promise.allSettled([mark("twice"), mark("twice")]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.equal((await list()).backups.length, 1);
  });

  it("is listed with what is known of it, damaged ones too", async () => {
    await query(
      database,
      "CREATE TABLE _prisma_migrations (migration_name text, checksum text, started_at timestamptz, finished_at timestamptz, rolled_back_at timestamptz)",
    );
    await query(
      database,
      "INSERT INTO _prisma_migrations VALUES ('1_one', 'x', now(), now(), null), ('2_back', 'x', now(), now(), now())",
    );
    await take("good");
    await put();
    await take("cut");
    await take("flipped");
    await truncate(join(store.root, "local/cut/manifest.json"), 30);
    const dump = join(store.root, "local/flipped/dump");
    const [file = ""] = (await readdir(dump)).filter((each) => /^\d+\.dat/.test(each));
    await truncate(join(dump, file), 5);
    const quick = await list();
    assert.deepEqual(
      quick.backups.map(({ id, state }) => `${id} ${state}`),
      ["flipped complete", "good complete", "cut damaged"],
    );
    const good = quick.backups[1];
    assert.deepEqual(
      [good?.run, good?.rows, good?.tables, good?.migrations, good?.lastMigration, good?.proved?.by],
      ["good", 102, 2, 1, "1_one", "restore"],
    );
    assert.ok((good?.bytes ?? 0) > 0);
    assert.match(quick.backups[2]?.reason ?? "", /ends too early/);
    const thorough = await list(true);
    assert.deepEqual(
      thorough.backups.map(({ id, state }) => `${id} ${state}`),
      ["flipped damaged", "good complete", "cut damaged"],
    );
  });
});
