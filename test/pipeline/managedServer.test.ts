import assert from "node:assert/strict";
import { type Database, stageRequest } from "../../pipeline/contracts.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { readDatabaseProperties } from "../../pipeline/postgres/databaseProperties.js";
import { createScratch, dropScratch } from "../../pipeline/postgres/scratch.js";
import { backup } from "../../pipeline/stages/backup.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { restore } from "../../pipeline/stages/restore.js";
import { withEnvironment } from "../support/moto.js";
import { testCluster } from "../support/postgres.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { databasesLike, maintain, query, quiet, restoreOf, temporaryStore } from "./backupFixtures.js";

/**
 * A server whose administrator is no superuser, as RDS has it: the pipeline connects as that role, and the application's owns
 * the database and all that is in it.
 */
describe("a managed server: without a superuser", function () {
  this.timeout(120_000);
  const name = "managed_shop";
  let superuser: Database;
  let admin: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let project: TestProject;
  let restoreEnvironment = () => undefined as void;

  before(async () => {
    restoreEnvironment = withEnvironment({ MANAGED_PASSWORD: "of the administrator" });
    store = await temporaryStore();
    project = await writeProject();
    superuser = await (await testCluster()).create(name);
    for (const sql of [
      "CREATE ROLE managed_admin LOGIN CREATEDB CREATEROLE PASSWORD 'of the administrator'",
      "CREATE ROLE managed_owner LOGIN",
      "GRANT managed_owner TO managed_admin",
      `ALTER DATABASE ${name} OWNER TO managed_owner`,
    ])
      await maintain(superuser, sql);
    const password = { from: "environment", variable: "MANAGED_PASSWORD" } as const;
    admin = { ...superuser, user: "managed_admin", password, migrateAs: "managed_owner" };
    await query(
      admin,
      `SET ROLE managed_owner;
       CREATE TABLE items AS SELECT i AS id, md5(i::text) AS name FROM generate_series(1, 500) i;
       CREATE SCHEMA more CREATE TABLE notes (id serial PRIMARY KEY, text text);
       CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
       INSERT INTO more.notes (text) VALUES ('kept')`,
    );
  });
  after(async () => {
    restoreEnvironment();
    await store.remove();
    await project.remove();
    const cluster = await testCluster();
    for (const each of await databasesLike(superuser, name)) await cluster.drop(each);
    for (const role of ["managed_admin", "managed_owner"]) await maintain(superuser, `DROP ROLE IF EXISTS ${role}`);
  });

  it("proves its backup in a rehearsal, and restores it, each object its owner's", async () => {
    const request = stageRequest.parse({
      environment: "local",
      run: "run",
      database: admin,
      project: { schema: project.schema, migrations: project.migrations },
      store: store.url,
      settings: { backup: {}, preflight: {}, migrate: {} },
    });
    const made = await backup(request, quiet);
    const { verdict, ...proof } = await rehearse({ ...request, backup: made }, quiet);
    assert.equal(verdict, "proved");
    assert.equal("restored" in proof && proof.restored.rows, 501);
    await query(admin, "SET ROLE managed_owner; DELETE FROM items");
    await restore(restoreOf(admin, store.url), quiet);
    const owners = await query<{ owner: string; count: number }>(
      superuser,
      `SELECT tableowner AS owner, count(*)::int FROM pg_tables WHERE schemaname IN ('public', 'more') GROUP BY 1`,
    );
    assert.deepEqual(owners, [{ owner: "managed_owner", count: 2 }]);
    assert.deepEqual(await query(superuser, "SELECT count(*)::int FROM items"), [{ count: 500 }]);
  });

  it("lets nobody into a copy but who makes it, not even the owner of what is in it", async () => {
    await withClient(admin, { database: maintenanceDatabase, applicationName: "test" }, async (client) => {
      const properties = await readDatabaseProperties(client, name);
      const scratch = await createScratch(client, { of: name, backup: "b", purpose: "refresh", properties });
      const { rows } = await client.query(
        `SELECT pg_get_userbyid(datdba) AS owner, r AS role, has_database_privilege(r, datname, 'CONNECT') AS may
         FROM pg_database, unnest(ARRAY['managed_admin', 'managed_owner', 'public']) r WHERE datname = $1 ORDER BY r`,
        [scratch],
      );
      const owner = "managed_owner";
      assert.deepEqual(rows, [
        { owner, role: "managed_admin", may: true },
        { owner, role: "managed_owner", may: false },
        { owner, role: "public", may: false },
      ]);
      await dropScratch(client, scratch);
    });
  });
});
