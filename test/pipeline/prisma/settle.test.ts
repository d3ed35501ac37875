import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { connect } from "../../../pipeline/postgres/connection.js";
import { backup } from "../../../pipeline/stages/backup.js";
import { migrate } from "../../../pipeline/stages/migrate.js";
import { preflight } from "../../../pipeline/stages/preflight.js";
import { testCluster } from "../../support/postgres.js";
import { apply, comparison, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";
import { requestOf } from "../../support/stageRequest.js";
import { typescript } from "../../support/typescript.js";
import { failsWith, recording, temporaryStore, unrehearsed } from "../backupFixtures.js";

const program = path.resolve(__dirname, "../../support/prismaProjects/killed.ts");

/** What builds an index concurrently cannot run in a transaction, so what became of it has to be looked for. */
describe("a run that is killed while an index is built concurrently", function () {
  this.timeout(60_000);
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  before(async () => (store = await temporaryStore()));
  beforeEach(async () => {
    database = await (await testCluster()).create("prisma_settle", { owner: "app owner" });
    project = await writeProject({
      "1_table": "CREATE TABLE gate (id int);",
      "2_index": "CREATE INDEX CONCURRENTLY gate_id ON gate (id);",
    });
    await apply(database, project, "1_table");
  });
  afterEach(() => project.remove());
  after(async () => {
    await store.remove();
    await (await testCluster()).drop("prisma_settle");
  });

  const reindexing = {
    "1_table": "CREATE TABLE gate (id int PRIMARY KEY);",
    "2_index": "REINDEX INDEX CONCURRENTLY gate_pkey;",
  };
  /** Half-built indexes, with the one that is in use. */
  const indexes = () =>
    rows<{ name: string }>(
      database,
      "select indexrelid::regclass::text || case when indisvalid then '' else ' invalid' end as name from pg_index where indrelid = 'gate'::regclass order by 1",
    ).then((found) => found.map(({ name }) => name));

  const building = `select pid from pg_stat_activity where wait_event_type = 'Lock' and query ~ '^(CREATE|REINDEX) INDEX CONC'`;

  /** Kills the run while the build waits for a transaction that is open. `then` says how the server's side ends. */
  async function kill(then: "finishes" | "fails"): Promise<void> {
    const holder = await connect(database, { applicationName: "holder" });
    await holder.query("begin; insert into gate values (1)");
    const args = ["--database", JSON.stringify(database), "--root", project.root, "--name", "2_index"];
    const child = spawn(process.execPath, [...typescript, program, ...args], { stdio: "ignore" });
    const ended = once(child, "exit");
    let pid: number | undefined;
    while (pid === undefined) {
      assert.equal(child.exitCode, null);
      pid = (await rows<{ pid: number }>(database, building))[0]?.pid;
    }
    child.kill("SIGKILL");
    await ended;
    if (then === "fails") await rows(database, `select pg_terminate_backend(${pid})`);
    else await holder.query("commit");
    while ((await rows(database, `select from pg_stat_activity where pid = ${pid}`)).length > 0) await sleep(10);
    await holder.end();
  }

  const run = async () => {
    const { context } = recording();
    const base = requestOf(
      { database, project, store },
      { run: `run-${++runs}`, settings: { preflight: { drift: "warn" } } },
    );
    const looked = await preflight(base, context);
    return { looked, migrated: await migrate(unrehearsed(base, await backup(base, context)), context) };
  };
  const index = () => rows(database, "select indisvalid from pg_index where indexrelid = to_regclass('gate_id')");

  it("drops the invalid index that is left, and builds it again", async () => {
    await kill("fails");
    assert.deepEqual(await index(), [{ indisvalid: false }]);
    const { looked, migrated } = await run();
    assert.match(looked.warnings.join("\n"), /2_index was stopped in its one statement/);
    assert.deepEqual(
      migrated.applied.map(({ name }) => name),
      ["2_index"],
    );
    assert.deepEqual(await index(), [{ indisvalid: true }]);
    const { failed, applied } = await comparison(database, project);
    assert.deepEqual([failed.length, applied.length], [0, 2]);
  });

  it("counts as applied what the server finished by itself", async () => {
    await kill("finishes");
    assert.deepEqual(await index(), [{ indisvalid: true }]);
    const { migrated } = await run();
    assert.deepEqual(migrated.applied, []);
    const { failed, applied } = await comparison(database, project);
    assert.deepEqual([failed.length, applied.length], [0, 2]);
  });

  it("drops the half that REINDEX CONCURRENTLY leaves, and does it again; the index itself was in use all along", async () => {
    await project.remove();
    project = await writeProject(reindexing);
    await rows(database, "drop table gate; truncate _prisma_migrations");
    await apply(database, project, "1_table");
    await kill("fails");
    assert.deepEqual(await indexes(), ["gate_pkey", "gate_pkey_ccnew invalid"]);
    const { migrated } = await run();
    assert.deepEqual(
      migrated.applied.map(({ name }) => name),
      ["2_index"],
    );
    assert.deepEqual(await indexes(), ["gate_pkey"]);
  });

  it("that fails instead, with others in its way, leaves a half that is said, and that the next run drops", async () => {
    await project.remove();
    project = await writeProject(reindexing);
    await rows(database, "drop table gate; truncate _prisma_migrations");
    await apply(database, project, "1_table");
    const holder = await connect(database, { applicationName: "holder" });
    await holder.query("begin; insert into gate values (1)");
    const failing = assert.rejects(run(), (error: unknown) => {
      failsWith("MIGRATION_FAILED", /canceling statement/)(error);
      assert.ok(error instanceof PipelineError);
      assert.equal(error.kind, "failedUnchanged");
      assert.match(error.state, /may have left an index half built: no query uses that, and the next run drops it/);
      assert.match(error.next, /^Let the transactions end .*db:diagnose -- --quick.*, then run the same command\.$/);
      return true;
    });
    while ((await rows(database, `select pg_cancel_backend(pid) from (${building}) b`)).length === 0) await sleep(20);
    await failing;
    assert.deepEqual(await indexes(), ["gate_pkey", "gate_pkey_ccnew invalid"]);
    await holder.query("commit");
    await holder.end();
    const { migrated } = await run();
    assert.equal(migrated.applied.length, 1);
    assert.deepEqual(await indexes(), ["gate_pkey"]);
  });

  it("is left to a person where the file is another one by now", async () => {
    await kill("fails");
    await project.migration("2_index", "CREATE INDEX CONCURRENTLY other ON gate (id);");
    await assert.rejects(run(), failsWith("FAILED_MIGRATION"));
  });
});
