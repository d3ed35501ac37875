import assert from "node:assert/strict";
import { type Database, fillRequest } from "../../pipeline/contracts.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { readDatabaseProperties } from "../../pipeline/postgres/databaseProperties.js";
import { readEnvironmentMark, readIdentity } from "../../pipeline/postgres/identity.js";
import { createScratch, dropScratch } from "../../pipeline/postgres/scratch.js";
import { backup } from "../../pipeline/stages/backup.js";
import { fill } from "../../pipeline/stages/fill.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { restore } from "../../pipeline/stages/restore.js";
import { readKnownDatabase, recordKnownDatabase } from "../../pipeline/store/knownDatabase.js";
import { openStore } from "../../pipeline/store/open.js";
import { withEnvironment } from "../support/moto.js";
import { testCluster } from "../support/postgres.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import {
  databasesLike,
  failsWith,
  maintain,
  query,
  quiet,
  recording,
  restoreOf,
  temporaryStore,
} from "./backupFixtures.js";

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
      // As on the server that it comes from: what only a superuser sets there.
      `ALTER DATABASE ${name} SET safe_migration.environment = 'local'`,
      `ALTER DATABASE ${name} SET log_lock_waits = 'on'`,
      `ALTER DATABASE ${name} SET work_mem = '8MB'`,
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

  it("proves a backup in a rehearsal, and restores it, each object its owner's, and what only a superuser sets left out", async () => {
    const request = requestOf({ database: admin, project, store });
    const made = await backup(request, quiet);
    const { verdict, ...proof } = await rehearse({ ...request, backup: made }, quiet);
    assert.equal(verdict, "proved");
    assert.equal("restored" in proof && proof.restored.rows, 501);
    await query(admin, "SET ROLE managed_owner; DELETE FROM items");
    const { context, lines } = recording();
    await restore(restoreOf(admin, store.url), context);
    assert.ok(lines.includes("settings that only a superuser may give a database are left out: log_lock_waits"));
    const kept = await query(
      admin,
      "SELECT unnest(setconfig) AS set FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database()",
    );
    assert.deepEqual(kept, [{ set: "work_mem=8MB" }]);
    assert.equal(await withClient(admin, { applicationName: "test" }, readEnvironmentMark), "local");
    const owners = await query<{ owner: string; count: number }>(
      superuser,
      `SELECT tableowner AS owner, count(*)::int FROM pg_tables WHERE schemaname IN ('public', 'more') GROUP BY 1`,
    );
    assert.deepEqual(owners, [{ owner: "managed_owner", count: 2 }]);
    assert.deepEqual(await query(superuser, "SELECT count(*)::int FROM items"), [{ count: 500 }]);
  });

  it("fills a new and empty database with the backup of another one, whose place it takes; and does it once", async () => {
    const other = { ...admin, name: `${name}_new` };
    await maintain(superuser, `CREATE DATABASE ${other.name} OWNER managed_owner`);
    await maintain(superuser, `COMMENT ON DATABASE ${other.name} IS '[safe_migration.environment=local]'`);
    await query({ ...superuser, name: other.name }, "GRANT ALL ON SCHEMA public TO managed_owner");
    const asked = (backup: string) => fillRequest.parse({ ...restoreOf(other, store.url), backup });
    const known = async () => (await readKnownDatabase(openStore(store.url), "local"))?.now.database;
    await withClient(admin, { applicationName: "test" }, async (client) =>
      recordKnownDatabase(openStore(store.url), "local", await readIdentity(client)),
    );
    await assert.rejects(fill(asked("none"), quiet), failsWith("NO_BACKUP"));
    assert.equal(await known(), name);
    const { filled } = await fill(asked("newest"), quiet);
    assert.deepEqual(filled, { backup: "run", tables: 2, rows: 501 });
    assert.equal(await known(), other.name);
    await query({ ...superuser, name: other.name }, "DELETE FROM items WHERE id > 1");
    assert.equal((await fill(asked("newest"), quiet)).filled, undefined);
    assert.deepEqual(await query({ ...superuser, name: other.name }, "SELECT count(*)::int FROM items"), [
      { count: 1 },
    ]);
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
