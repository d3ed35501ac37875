import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database, MigrateResult, StageRequest } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { serverAccount } from "../../../pipeline/local/account.js";
import { findBinaries } from "../../../pipeline/local/binaries.js";
import { type LocalCluster, databaseOf, ensureCluster } from "../../../pipeline/local/cluster.js";
import { createDatabase, ensureRole } from "../../../pipeline/local/role.js";
import { stopServer } from "../../../pipeline/local/server.js";
import { connect, withClient } from "../../../pipeline/postgres/connection.js";
import { backup } from "../../../pipeline/stages/backup.js";
import { migrate } from "../../../pipeline/stages/migrate.js";
import { preflight } from "../../../pipeline/stages/preflight.js";
import { discard, fast, temporaryDirectory } from "../../support/postgres.js";
import { comparison, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";
import { requestOf } from "../../support/stageRequest.js";
import { failsWith, quiet, recording, temporaryStore, unrehearsed } from "../backupFixtures.js";

/** A server that restarts, has no place left, or is in the way; on a cluster of its own, since it suffers. */
describe("trouble with the server while migrating", function () {
  this.timeout(120_000);
  let directory: string;
  let cluster: LocalCluster;
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;
  let databases = 0;

  const bringUp = () =>
    ensureCluster({ directory, settings: { ...fast, max_connections: "20" }, ...quiet, log: quiet.log });
  const maintenance = <T extends object>(sql: string) => rows<T>(databaseOf(cluster, "postgres"), sql);

  before(async () => {
    directory = await temporaryDirectory();
    cluster = await bringUp();
  });
  after(async () => {
    await discard(directory);
  });
  beforeEach(async () => {
    const name = `trouble_${++databases}`;
    await withClient(databaseOf(cluster, "postgres"), { applicationName: "test" }, async (client) => {
      await ensureRole(client, cluster, "app");
      await createDatabase(client, name, { owner: "app" });
    });
    database = databaseOf(cluster, name, "app");
    project = await writeProject();
    // Of its own: a store knows the one database that its environment has.
    store = await temporaryStore();
  });
  afterEach(async () => {
    await project.remove();
    await store.remove();
  });

  function request(settings: object = {}): StageRequest {
    return requestOf(
      { database, project, store },
      { run: `trouble-${++runs}`, settings: { migrate: { lockTimeoutMs: 5_000, retryDelayMs: 10, ...settings } } },
    );
  }

  /** Runs the chain up to migrate; `meanwhile` as soon as migrate has begun. */
  async function run(
    meanwhile: () => Promise<void> = () => Promise.resolve(),
    context = quiet,
  ): Promise<MigrateResult> {
    const base = request();
    const made = await backup({ ...base, preflight: await preflight(base, context) }, context);
    const [result] = await Promise.all([migrate(unrehearsed(base, made), context), meanwhile()]);
    return result;
  }

  const sleeps = (seconds: number) =>
    `select pid from pg_stat_activity where query like '%pg_sleep(${seconds})%' and state = 'active' and pid <> pg_backend_pid()`;
  async function until(sql: string): Promise<void> {
    while ((await rows(database, sql)).length === 0) await sleep(20);
  }
  const names = (migrations: readonly { name: string }[]) => migrations.map(({ name }) => name);

  it("a restart in the middle of a script: proved to be rolled back, what was applied before stays, the next run goes on", async () => {
    await project.migration("1_a", "CREATE TABLE a (id int);");
    await project.migration("2_slow", "CREATE TABLE b (id int);\nSELECT pg_sleep(3.1);");
    await project.migration("3_c", "CREATE TABLE c (id int);");
    // Such a database promises a commit before it is written, which a restart then takes back.
    await maintenance(`alter database ${database.name} set synchronous_commit = off`);
    const restart = async () => {
      await until(sleeps(3.1));
      const server = {
        data: cluster.data,
        account: await serverAccount(),
        binaries: await findBinaries(cluster.binaries),
      };
      await stopServer(server, "immediate");
      await bringUp();
    };
    await assert.rejects(run(restart), (error: unknown) => {
      assert.ok(error instanceof PipelineError);
      assert.equal(error.kind, "failedChanged");
      assert.match(error.state, /2_slow was rolled back whole.*and kept: 1_a\./);
      assert.match(error.next, /^Nothing is to be mended in the file/);
      return true;
    });
    const history = await comparison(database, project);
    assert.deepEqual([names(history.applied), names(history.pending)], [["1_a"], ["2_slow", "3_c"]]);
    assert.deepEqual(await rows(database, "select to_regclass('a') is not null as a, to_regclass('b') as b"), [
      { a: true, b: null },
    ]);
    await project.migration("2_slow", "CREATE TABLE b (id int);\nSELECT pg_sleep(0);");
    assert.deepEqual(names((await run()).applied), ["2_slow", "3_c"]);
  });

  it("the session that holds Prisma's lock is ended: no further migration is begun", async () => {
    await project.migration("1_slow", "CREATE TABLE a (id int);\nSELECT pg_sleep(1.2);");
    await project.migration("2_b", "CREATE TABLE b (id int);");
    const end = async () => {
      await until(sleeps(1.2));
      await rows(
        database,
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'safe-migration lock'",
      );
    };
    await assert.rejects(run(end), failsWith("MIGRATION_LOCK_LOST", /2_b was not begun/));
    assert.deepEqual(names((await run()).applied), ["2_b"]);
  });

  it("a deadlock with another session: rolled back and tried again", async () => {
    await project.migration("1_tables", "CREATE TABLE a (id int); CREATE TABLE b (id int);");
    await run();
    await maintenance(`alter database ${database.name} set deadlock_timeout = '100ms'`);
    await project.migration("2_both", "LOCK TABLE a;\nSELECT pg_sleep(0.7);\nLOCK TABLE b;");
    const other = await connect(database, { applicationName: "other", settings: { deadlock_timeout: "60s" } });
    const { context, lines } = recording();
    try {
      const { applied } = await run(async () => {
        await until(sleeps(0.7));
        await other.query("begin; lock table b");
        await other.query("lock table a");
        await other.query("rollback");
      }, context);
      assert.deepEqual(
        applied.map(({ attempts }) => attempts),
        [2],
      );
      assert.match(lines.join("\n"), /2_both: was in a deadlock with another session and was rolled back; again in/);
    } finally {
      await other.end();
    }
  });

  it("no connection is left: said so at every place where it may happen, and nothing is in the way afterwards", async () => {
    await project.migration("1_a", "CREATE TABLE a (id int);");
    const base = request();
    const made = await backup({ ...base, preflight: await preflight(base, quiet) }, quiet);
    const hogs: Awaited<ReturnType<typeof connect>>[] = [];
    try {
      for (;;) hogs.push(await connect(database, { applicationName: "hog" }));
    } catch (error) {
      assert.ok(failsWith("TOO_MANY_CONNECTIONS")(error));
    }
    let refused = 0;
    for (let applied = false; !applied; refused += applied ? 0 : 1) {
      await hogs.pop()?.end();
      // The server's process may end a moment after its client.
      await sleep(100);
      applied = await migrate(unrehearsed(base, made), quiet).then(
        () => true,
        (error: unknown) => {
          assert.ok(error instanceof PipelineError);
          assert.match(error.message, /too many clients/);
          assert.ok(["refused", "failedUnchanged"].includes(error.kind), error.kind);
          return false;
        },
      );
    }
    assert.ok(refused >= 3, `refused ${refused} times`);
    for (const hog of hogs) await hog.end();
    assert.deepEqual(names((await comparison(database, project)).applied), ["1_a"]);
  });

  it("a database that only lets itself be read is refused before anything is touched", async () => {
    await project.migration("1_a", "CREATE TABLE a (id int);");
    await maintenance(`alter database ${database.name} set default_transaction_read_only = on`);
    await assert.rejects(preflight(request(), quiet), failsWith("READ_ONLY", /set by: database/));
  });
});
