import assert from "node:assert/strict";
import { databaseOf, ensureCluster } from "../../pipeline/local/cluster.js";
import { createDatabase, ensureRole } from "../../pipeline/local/role.js";
import { silent } from "../../pipeline/log.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { readStatements } from "../../pipeline/postgres/statements.js";
import { discard, fast, temporaryDirectory, testCluster } from "../support/postgres.js";
import { query } from "./backupFixtures.js";

const named = { applicationName: "test" };

describe("times of statements, from pg_stat_statements", () => {
  it("are none where the extension is not there", async () => {
    const test = await testCluster();
    const found = await withClient(test.database(maintenanceDatabase), named, (client) =>
      readStatements(client, silent),
    );
    assert.equal(found, undefined);
  });

  it("are those of the application, without values, passwords or what the pipeline itself asked", async function () {
    this.timeout(120_000);
    const available = await query<{ n: number }>(
      (await testCluster()).database(maintenanceDatabase),
      "SELECT count(*)::int AS n FROM pg_available_extensions WHERE name = 'pg_stat_statements'",
    );
    if (available[0]?.n === 0) this.skip();
    const directory = await temporaryDirectory();
    try {
      const settings = { ...fast, shared_preload_libraries: "pg_stat_statements" };
      const signal = new AbortController().signal;
      const cluster = await ensureCluster({ directory, settings, log: silent, signal });
      const maintenance = databaseOf(cluster, maintenanceDatabase);
      await withClient(maintenance, named, async (client) => {
        await ensureRole(client, cluster, "shop");
        await createDatabase(client, "shop", { owner: "shop" });
      });
      const owner = { ...databaseOf(cluster, "shop"), user: "shop" };
      const pipeline = databaseOf(cluster, "shop", "shop");
      await query(pipeline, "CREATE EXTENSION pg_stat_statements");
      await query(owner, "CREATE TABLE people (name text)");
      await query(owner, "INSERT INTO people VALUES ('ada@example.org')");
      for (let call = 0; call < 3; call++) await query(owner, "SELECT * FROM people WHERE name = 'ada@example.org'");
      await query(owner, "COMMENT ON TABLE people IS 'h0rse'");
      await query(pipeline, "SELECT count(*) FROM people");

      const before = await withClient(pipeline, named, (client) => readStatements(client, silent));
      const select = before?.find(({ query: text }) => text.startsWith("SELECT"));
      assert.equal(select?.query, "SELECT * FROM people WHERE name = $1");
      assert.equal(select.calls, 3);
      assert.ok(select.totalMs > 0);
      assert.doesNotMatch(JSON.stringify(before), /ada@example|h0rse|COMMENT|count/);

      for (let calls = 1; calls < 12; calls++)
        await query(owner, `SELECT ${Array<string>(calls).fill("pg_sleep(0.001)").join(", ")}`);
      await query(owner, "SELECT * FROM people WHERE name = 'x'");
      const after = await withClient(pipeline, named, (client) => readStatements(client, silent, [select.id]));
      assert.equal(after?.[0]?.calls, 4);
      assert.equal(after.length, 8);
    } finally {
      await discard(directory);
    }
  });
});
