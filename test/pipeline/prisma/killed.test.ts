import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Database } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { connect } from "../../../pipeline/postgres/connection.js";
import { withAdvisoryLock } from "../../../pipeline/prisma/advisoryLock.js";
import { clearFailed } from "../../../pipeline/prisma/apply.js";
import { isProvedUnchanged } from "../../../pipeline/prisma/history.js";
import { testCluster } from "../../support/postgres.js";
import { apply, comparison, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";
import { typescript } from "../../support/typescript.js";

const program = path.resolve(__dirname, "../../support/prismaProjects/killed.ts");

describe("a run that is killed in the middle of a migration", function () {
  this.timeout(60_000);
  let database: Database;
  let project: TestProject;

  beforeEach(async () => {
    database = await (await testCluster()).create("prisma_killed", { owner: "app owner" });
    project = await writeProject();
  });
  afterEach(() => project.remove());

  /** Kills a process that applies `name` as soon as its script waits for the table that `holder` has locked. */
  async function killWhileWaiting(name: string): Promise<void> {
    const args = [
      ...typescript,
      program,
      "--database",
      JSON.stringify(database),
      "--root",
      project.root,
      "--name",
      name,
    ];
    const child = spawn(process.execPath, args, { stdio: "ignore" });
    const ended = once(child, "exit");
    const waiting = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%gate%'`;
    while ((await rows<{ n: number }>(database, waiting))[0]?.n === 0) assert.equal(child.exitCode, null);
    child.kill("SIGKILL");
    await ended;
  }

  it("leaves a row that says nothing was applied; the next run waits for the orphan, clears it and goes on", async () => {
    await project.migration("1_gate", "CREATE TABLE gate (id int);");
    await project.migration("2_killed", "CREATE TABLE a (id int);\nLOCK TABLE gate;\nCREATE TABLE b (id int);");
    await apply(database, project, "1_gate");
    const holder = await connect(database, { applicationName: "holder" });
    await holder.query("begin; lock table gate");
    // The script waits for `gate` a second at most, and its server process may outlive the client that long.
    await killWhileWaiting("2_killed");
    await assert.rejects(
      withAdvisoryLock(database, 20, () => Promise.resolve()),
      (error: unknown) => error instanceof PipelineError && /still runs a migration's script/.test(error.message),
    );
    await withAdvisoryLock(database, 20_000, async () => {
      const { failed } = await comparison(database, project);
      assert.deepEqual(
        failed.map(({ name }) => name),
        ["2_killed"],
      );
      assert.ok(failed[0] !== undefined && isProvedUnchanged(failed[0]));
      assert.deepEqual(await rows(database, "select to_regclass('a') as a"), [{ a: null }]);
      await holder.end();
      await clearFailed(database, project, "2_killed");
      await apply(database, project, "2_killed");
    });
    const { applied, failed } = await comparison(database, project);
    assert.deepEqual([applied.length, failed.length], [2, 0]);
  });

  it("does not take the row that another tool left unfinished for one that changed nothing", async () => {
    await project.migration("1_gate", "CREATE TABLE gate (id int);");
    await apply(database, project, "1_gate");
    await rows(
      database,
      `insert into _prisma_migrations (id, checksum, migration_name, started_at, applied_steps_count)
       values ('x', '${"0".repeat(64)}', '2_other', now(), 0)`,
    );
    const { failed } = await comparison(database, project);
    assert.deepEqual(failed.map(isProvedUnchanged), [false]);
  });
});
