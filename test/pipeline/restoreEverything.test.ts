import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../../pipeline/contracts.js";
import { findProgram } from "../../pipeline/postgres/binaries.js";
import { conninfo, libpqEnvironment, withClient } from "../../pipeline/postgres/connection.js";
import { readDatabaseProperties } from "../../pipeline/postgres/databaseProperties.js";
import { fingerprintDatabase } from "../../pipeline/postgres/fingerprint.js";
import { compareFingerprints } from "../../pipeline/postgres/fingerprints.js";
import { run } from "../../pipeline/process.js";
import { backup } from "../../pipeline/stages/backup.js";
import { restore } from "../../pipeline/stages/restore.js";
import { testCluster } from "../support/postgres.js";
import { backupOf, maintain, query, quiet, restoreOf, temporaryStore } from "./backupFixtures.js";

/** The catalogue as text, without the lines in which pg_dump says how and when it was made. */
async function schemaOf(database: Database): Promise<string[]> {
  const { path } = await findProgram("pg_dump", { atLeast: 13 });
  const { stdout, stderr, exitCode } = await run(path, ["--schema-only", `--dbname=${conninfo(database)}`], {
    env: await libpqEnvironment(database),
  });
  assert.equal(exitCode, 0, stderr);
  return stdout.split("\n").filter((line) => !/^(--|\\(un)?restrict)/.test(line));
}

function stateOf(database: Database) {
  return withClient(database, { applicationName: "test" }, async (client) => ({
    properties: await readDatabaseProperties(client),
    schema: await schemaOf(database),
    objects: (
      await client.query(
        `SELECT oid, pg_get_userbyid(lomowner) AS owner, lomacl::text, obj_description(oid, 'pg_largeobject') AS comment
         FROM pg_largeobject_metadata ORDER BY oid`,
      )
    ).rows as unknown[],
    views: (await client.query("SELECT * FROM shop.per_mood ORDER BY 1")).rows as unknown[],
  }));
}

describe("restore: everything that belongs to a database", function () {
  this.timeout(120_000);
  const name = 'Every "thing" del café';
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let database: Database;

  before(async () => {
    store = await temporaryStore();
    const cluster = await testCluster();
    database = await cluster.create(name);
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await maintain(
      database,
      `DO $$ DECLARE r text; BEGIN FOREACH r IN ARRAY ARRAY['app', 'reader', 'auditor', 'Odd "role'] LOOP
         IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN EXECUTE format('CREATE ROLE %I', r); END IF;
       END LOOP; END $$;
       ALTER DATABASE ${quoted} OWNER TO app;
       REVOKE ALL ON DATABASE ${quoted} FROM PUBLIC;
       GRANT CONNECT ON DATABASE ${quoted} TO reader WITH GRANT OPTION;
       SET ROLE reader; GRANT CONNECT ON DATABASE ${quoted} TO "Odd ""role"; RESET ROLE;
       GRANT CREATE, TEMPORARY ON DATABASE ${quoted} TO auditor;
       ALTER DATABASE ${quoted} CONNECTION LIMIT 77;
       COMMENT ON DATABASE ${quoted} IS 'it''s the "shop" \\ database';
       ALTER DATABASE ${quoted} SET search_path TO "$user", 'Odd Schema', public;
       ALTER DATABASE ${quoted} SET "safe_migration.environment" TO 'local';
       ALTER DATABASE ${quoted} SET work_mem TO '8MB';
       ALTER DATABASE ${quoted} SET default_transaction_read_only TO on;
       ALTER DATABASE ${quoted} SET "DateStyle" TO 'German, DMY';
       ALTER DATABASE ${quoted} SET statement_timeout TO '1h';
       ALTER ROLE reader IN DATABASE ${quoted} SET search_path TO '';
       ALTER ROLE reader IN DATABASE ${quoted} SET application_name TO 'it''s "me" \\';`,
    );
    const sql = await readFile(join(__dirname, "backupEverything.sql"), "utf8");
    await query(database, `SET TRANSACTION READ WRITE; SET DateStyle = 'ISO, YMD'; ${sql}`);
  });

  after(async () => {
    const cluster = await testCluster();
    await cluster.drop(name);
    await store.remove();
  });

  it("comes back with the database, and the damaged one is kept", async () => {
    const before = await stateOf(database);
    assert.ok(before.schema.length > 300 && before.objects.length === 3 && before.views.length === 5);
    const made = await backup(backupOf(database, store.url), quiet);
    assert.equal(made.rows, 500 + 3 + 900 + 2 + 1 + 2 + 1 + 1);

    await query(
      database,
      `SET TRANSACTION READ WRITE; DELETE FROM shop.orders; DROP TABLE shop.everything CASCADE;
       SELECT lo_unlink(4711); DROP EXTENSION hstore CASCADE; ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY;`,
    );
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await maintain(database, `ALTER DATABASE ${quoted} RESET ALL; GRANT ALL ON DATABASE ${quoted} TO PUBLIC;`);

    const result = await restore(restoreOf(database, store.url), quiet);
    assert.deepEqual(await stateOf(database), before);
    assert.equal(result.rows, made.rows);
    assert.ok(result.kept !== undefined && result.dropKept !== undefined);
    const [count] = await query<{ count: string }>(
      { ...database, name: result.kept },
      "SELECT count(*) FROM shop.orders",
    );
    assert.equal(count?.count, "0", "the kept database is the damaged one");
    await maintain(database, result.dropKept);
  });

  it("has, restored, the same text fingerprint too", async () => {
    const options = { jobs: 2, image: "text" as const, log: quiet.log, signal: quiet.signal };
    const first = await fingerprintDatabase(database, options);
    const { kept } = await restore(restoreOf(database, store.url), quiet);
    assert.ok(kept !== undefined);
    assert.deepEqual(compareFingerprints(first, await fingerprintDatabase(database, options)), []);
    await (await testCluster()).drop(kept);
  });
});
