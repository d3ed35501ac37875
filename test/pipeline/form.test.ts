import assert from "node:assert/strict";
import type { Database } from "../../pipeline/contracts.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { readForm } from "../../pipeline/postgres/form.js";
import { testCluster } from "../support/postgres.js";
import { query } from "./backupFixtures.js";

describe("readForm", function () {
  this.timeout(60_000);
  const name = "form";
  let database: Database;
  before(async () => {
    database = await (await testCluster()).create(name);
    await query(
      database,
      `CREATE TYPE mood AS ENUM ('x'); CREATE TABLE p (id serial PRIMARY KEY, v int DEFAULT 1, m mood);
      CREATE TABLE c (id int REFERENCES p); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE VIEW w AS SELECT id FROM p; CREATE INDEX i ON p (v)`,
    );
  });
  after(async () => (await testCluster()).drop(name));

  const read = () => withClient(database, { applicationName: "test" }, readForm);

  const changes = [
    "CREATE TABLE n ()",
    "ALTER TABLE p ADD COLUMN n int",
    "ALTER TABLE p ALTER COLUMN v TYPE bigint",
    "ALTER TABLE p ALTER COLUMN v SET NOT NULL",
    "ALTER TABLE p ALTER COLUMN v SET DEFAULT 2",
    "ALTER TABLE p RENAME COLUMN v TO vv",
    "ALTER TABLE p ADD CHECK (v > 0) NOT VALID",
    "ALTER TABLE c DROP CONSTRAINT c_id_fkey",
    "DROP INDEX i",
    "CREATE UNIQUE INDEX u ON p (v)",
    "ALTER TYPE mood ADD VALUE 'y'",
    "ALTER TYPE mood RENAME VALUE 'x' TO 'z'",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "CREATE OR REPLACE VIEW w AS SELECT id + 0 AS id FROM p",
    "ALTER SEQUENCE p_id_seq INCREMENT 2",
    "ALTER TABLE p ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE c SET SCHEMA n",
    "CREATE TRIGGER t BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "DROP TABLE c; CREATE TABLE c (id int REFERENCES p)",
  ];
  before(() => query(database, "CREATE SCHEMA n"));
  for (const sql of changes) {
    it(`changes with: ${sql}`, async () => {
      await withClient(database, { applicationName: "test" }, async (client) => {
        await client.query("BEGIN");
        const first = await readForm(client);
        await client.query(sql);
        assert.notEqual(await readForm(client), first);
        await client.query("ROLLBACK");
        assert.equal(await readForm(client), first, "and is as it was once that is rolled back");
      });
    });
  }

  it("stays as it is whatever happens to rows and statistics", async () => {
    const first = await read();
    await query(
      database,
      "INSERT INTO p (v, m) SELECT i, 'x' FROM generate_series(1, 2000) i; DELETE FROM p WHERE v < 1000",
    );
    await query(database, "VACUUM FULL ANALYZE p");
    await query(database, "REINDEX TABLE p");
    await query(database, "TRUNCATE c, p");
    await query(database, "VACUUM p");
    assert.equal(await read(), first);
  });
});
