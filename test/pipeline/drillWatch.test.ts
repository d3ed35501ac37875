import assert from "node:assert/strict";
import { type Database, type StageRequest, restoreRequest } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { restore } from "../../pipeline/stages/restore.js";
import { status } from "../../pipeline/stages/status.js";
import { verify } from "../../pipeline/stages/verify.js";
import { testCluster } from "../support/postgres.js";
import { apply } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { failsWith, quiet, temporaryStore } from "./backupFixtures.js";

describe("backups that nobody has restored for long", function () {
  this.timeout(120_000);
  const name = "drill_watch";
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  const base = (maxProvedAgeHours: number): StageRequest =>
    requestOf({ database, project, store }, { run: `run-${++runs}`, settings: { backup: { maxProvedAgeHours } } });
  before(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "app owner" });
    project = await writeProject(
      { "1_init": 'CREATE TABLE "Thing" (id int PRIMARY KEY);' },
      "model Thing {\n  id Int @id\n}\n",
    );
    await apply(database, project, "1_init");
  });
  after(async () => {
    await project.remove();
    await store.remove();
    for (const each of [name, "drill_watch_proof"]) await (await testCluster()).drop(each);
  });

  it("stop the next run where a limit is set, until one is proved; status, verify and metrics tell the age", async () => {
    await preflight(base(1), quiet);
    await backup(base(1), quiet);
    await assert.rejects(preflight(base(1), quiet), failsWith("BACKUPS_UNPROVED", /none of the 1 complete backups/));
    await preflight(base(0), quiet);
    assert.equal((await status(base(0), quiet)).proved, undefined);
    await restore(restoreRequest.parse({ ...base(1), into: "drill_watch_proof" }), quiet);
    await preflight(base(1), quiet);
    const { proved } = await status(base(0), quiet);
    assert.deepEqual([proved?.by, proved?.ageHours], ["restore", 0]);
    assert.equal((await verify(base(0), quiet)).proved?.id, proved?.id);
    await assert.rejects(preflight(base(1e-9), quiet), failsWith("BACKUPS_UNPROVED", /made 0 hours ago/));
  });
});
