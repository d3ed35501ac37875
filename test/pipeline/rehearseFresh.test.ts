import assert from "node:assert/strict";
import { type Database, type StageRequest, stageRequest } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { testCluster } from "../support/postgres.js";
import { apply } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { failsWith, quiet, temporaryStore } from "./backupFixtures.js";

/** A history as a grown project has it: later migrations change and drop what earlier ones put in, and say nothing of it. */
const history = {
  "1_init": `CREATE TABLE users (id serial PRIMARY KEY, email text, verified timestamptz);
    INSERT INTO users (email) VALUES ('service@example.org'), ('bot@example.org');`,
  "2_verify": `UPDATE users SET verified = now(); DELETE FROM users WHERE email LIKE 'bot%';`,
  "3_drop": `ALTER TABLE users DROP COLUMN email;`,
};

describe("rehearse: a project's whole history, in a database that is new", () => {
  const name = "rehearsed_fresh";
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let project: TestProject;
  let request: StageRequest;

  before(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "shop" });
    project = await writeProject(history);
    request = stageRequest.parse({
      environment: "local",
      run: "run",
      database,
      project: { schema: project.schema, migrations: project.migrations },
      store: store.url,
      settings: { backup: {}, preflight: {}, migrate: {} },
    });
  });
  after(async () => {
    await store.remove();
    await project.remove();
    await (await testCluster()).drop(name);
  });

  it("needs no declaration of what it does to its own rows", async () => {
    const result = await rehearse({ ...request, backup: await backup(request, quiet) }, quiet);
    assert.equal(result.verdict, "proved");
    assert.deepEqual(
      result.migrations.map((migration) => [migration.name, migration.changes]),
      Object.keys(history).map((migration) => [migration, []]),
    );
  });

  it("needs it once the rows were there when the run began", async () => {
    await apply(database, project, "1_init");
    const made = await backup({ ...request, run: "second" }, quiet);
    await assert.rejects(
      rehearse({ ...request, run: "second", backup: made }, quiet),
      failsWith("UNDECLARED_LOSS", /^2_verify .*\n {2}public\.users\.verified: .*\n {2}public\.users: 1 row deleted/),
    );
  });
});
