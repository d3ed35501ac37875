import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { Database } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { ensureSample, sampleBaseline } from "../../pipeline/local/sample.js";
import { sampleTables } from "../../pipeline/local/sampleData.js";
import { sizeFor } from "../../pipeline/local/sampleSize.js";
import { silent } from "../../pipeline/log.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { applyMigration } from "../../pipeline/prisma/apply.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { testCluster } from "../support/postgres.js";

const project = {
  schema: resolve(__dirname, "../../prisma/schema.prisma"),
  migrations: resolve(__dirname, "../../prisma/migrations"),
};
const signal = new AbortController().signal;
const small = { users: 200, orders: 1_000, log: silent, signal };
const application = { applicationName: "safe-migration test" };

/** Order-free, over every column of every table, as text. */
async function fingerprint(database: Database): Promise<Record<string, string>> {
  return withClient(database, application, async (client) => {
    const sums: Record<string, string> = {};
    for (const table of sampleTables) {
      const { rows } = await client.query<{ sum: string }>(
        `SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) AS sum FROM ${table} t`,
      );
      sums[table] = rows[0]?.sum ?? "";
    }
    return sums;
  });
}

async function value(database: Database, sql: string): Promise<string> {
  return withClient(database, application, async (client) => {
    const { rows } = await client.query<{ value: string }>(`SELECT (${sql})::text AS value`);
    return rows[0]?.value ?? "";
  });
}

/** The migrations after the baseline, as the pipeline's first run applies them. */
async function applyRest(database: Database): Promise<string[]> {
  const folder = await readMigrations(project.migrations);
  const rest = folder.migrations.map(({ name }) => name).filter((name) => name > sampleBaseline);
  const limits = { lockTimeoutMs: 5_000, statementTimeoutMs: 0, log: silent };
  for (const name of rest) await applyMigration(database, project, folder, name, limits);
  return rest;
}

describe("sample data on a real PostgreSQL", function () {
  this.timeout(120_000);
  let fresh: (name: string) => Promise<Database>;
  let drop: (name: string) => Promise<void>;
  const names: string[] = [];

  before(async () => {
    const cluster = await testCluster();
    drop = (name) => cluster.drop(name);
    fresh = (name) => {
      names.push(name);
      return cluster.create(name, { owner: "shop" });
    };
  });
  after(async () => {
    for (const name of names) await drop(name);
  });

  it("is the same twice for the same size, and another for another size", async () => {
    const [one, two, more] = [await fresh("sample_one"), await fresh("sample_two"), await fresh("sample_more")];
    assert.deepEqual(await ensureSample(one, project, small), { state: "filled", users: 200, orders: 1_000 });
    await ensureSample(two, project, small);
    await ensureSample(more, project, { ...small, orders: 1_001 });
    const prints = await fingerprint(one);
    assert.deepEqual(await fingerprint(two), prints);
    const other = await fingerprint(more);
    assert.notEqual(other["orders"], prints["orders"]);
    assert.equal(other["user_profiles"], prints["user_profiles"]);
    assert.equal(prints["user_profiles"]?.split(" ")[0], "200");
    assert.equal(prints["orders"]?.split(" ")[0], "1000");
  });

  it("leaves the last migrations to the pipeline, and those find something to do", async () => {
    const database = await fresh("sample_pending");
    await ensureSample(database, project, small);
    assert.equal(await value(database, "to_regclass('loyalty_accounts')"), "");
    assert.equal((await applyRest(database)).length, 2);
    assert.ok(Number(await value(database, "SELECT count(*) FROM loyalty_accounts WHERE points > 0")) > 100);
  });

  it("can be ordered from: sequences are ahead, and the owner owns its tables", async () => {
    const database = await fresh("sample_sequences");
    await ensureSample(database, project, small);
    const insert = `INSERT INTO orders (number, subtotal, total) VALUES ('NEW', 1, 1) RETURNING id`;
    const owner = { ...database, user: "shop" };
    const id = await withClient(
      owner,
      application,
      async (client) => (await client.query<{ id: number }>(insert)).rows[0]?.id,
    );
    assert.equal(id, 1_001);
  });

  it("goes on where it was interrupted, and makes the same data", async () => {
    const [whole, broken] = [await fresh("sample_whole"), await fresh("sample_broken")];
    await ensureSample(whole, project, small);
    const stop = new AbortController();
    const log = {
      ...silent,
      progress: (message: string) => {
        if (message.includes("order items")) stop.abort();
      },
    };
    await assert.rejects(ensureSample(broken, project, { ...small, log, signal: stop.signal }), {
      code: "INTERRUPTED",
    });
    assert.equal(await value(broken, "SELECT count(*) FROM user_profiles"), "0");
    assert.equal((await ensureSample(broken, project, small)).state, "filled");
    assert.deepEqual(await fingerprint(broken), await fingerprint(whole));
  });

  it("goes on where it was interrupted between two migrations", async () => {
    const database = await fresh("sample_between");
    const stop = new AbortController();
    let seen = 0;
    const log = { ...silent, progress: () => void (++seen === 2 && stop.abort()) };
    await assert.rejects(ensureSample(database, project, { ...small, log, signal: stop.signal }), PipelineError);
    assert.equal((await ensureSample(database, project, small)).state, "filled");
  });

  it("touches nothing where there is data, or was", async () => {
    const database = await fresh("sample_own");
    await ensureSample(database, project, small);
    const prints = await fingerprint(database);
    assert.equal((await ensureSample(database, project, small)).state, "kept");
    assert.deepEqual(await fingerprint(database), prints);

    await applyRest(database);
    await withClient(database, application, (client) =>
      client.query("TRUNCATE user_profiles, products, categories CASCADE"),
    );
    assert.equal((await ensureSample(database, project, small)).state, "kept");
    assert.equal(await value(database, "SELECT count(*) FROM orders"), "0");

    const other = await fresh("sample_other");
    await withClient(other, application, (client) => client.query("CREATE TABLE theirs (id int)"));
    assert.equal((await ensureSample(other, project, small)).state, "kept");
    assert.equal(await value(other, "to_regclass('user_profiles')"), "");
  });

  it("refuses a project without its baseline, and sizes that are none", async () => {
    const database = await fresh("sample_refused");
    await assert.rejects(ensureSample(database, project, { ...small, upTo: "2000_none" }), { code: "SAMPLE_BASELINE" });
    await assert.rejects(ensureSample(database, project, { ...small, users: 0 }), { code: "SAMPLE_SIZE" });
    assert.equal(await value(database, "to_regclass('_prisma_migrations')"), "");
  });

  it("makes a database of about the size that was asked for", async () => {
    const database = await fresh("sample_sized");
    await ensureSample(database, project, { ...small, ...sizeFor("40MB") });
    await applyRest(database);
    const bytes = Number(await value(database, "SELECT pg_database_size(current_database())"));
    assert.ok(bytes > 34e6 && bytes < 46e6, `${bytes} bytes`);
  });
});
