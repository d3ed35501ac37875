import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Database } from "../../pipeline/contracts.js";
import { ensureSample, sampleBaseline } from "../../pipeline/local/sample.js";
import { silent } from "../../pipeline/log.js";
import { libpqEnvironment, withClient } from "../../pipeline/postgres/connection.js";
import { diffDrift, diffSchema } from "../../pipeline/prisma/drift.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { run } from "../../pipeline/process.js";
import { testCluster } from "../support/postgres.js";

const project = {
  schema: resolve(__dirname, "../../prisma/schema.prisma"),
  migrations: resolve(__dirname, "../../prisma/migrations"),
};
const name = "sample_history";

describe("the sample's history of migrations", function () {
  this.timeout(120_000);
  let database: Database;
  let folder: string;
  let binaries: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "safe-migration-history-"));
    const test = await testCluster();
    binaries = test.cluster.binaries;
    database = await test.create(name, { owner: "shop" });
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await (await testCluster()).drop(name);
  });

  it("makes exactly what schema.prisma says", async () => {
    const { summary } = await diffSchema(database, project);
    assert.equal(summary, "");
  });

  it("would be found out if it did not", async () => {
    const schema = join(folder, "schema.prisma");
    const text = await readFile(project.schema, "utf8");
    await writeFile(schema, text.replace("@@index([placedAt])", ""));
    const { summary } = await diffSchema(database, { ...project, schema });
    assert.match(summary, /placed_at/);
  });

  it("is what a filled database has, without drift", async () => {
    const signal = new AbortController().signal;
    await ensureSample(database, project, { users: 50, orders: 200, log: silent, signal });
    const { migrations } = await readMigrations(project.migrations);
    const applied = migrations.map((one) => one.name).filter((one) => one <= sampleBaseline);
    assert.equal((await diffDrift(database, project, { applied })).summary, "");
  });

  it("can be taken back, migration by migration, to exactly what was before, wherever there is a down.sql", async () => {
    const { migrations } = await readMigrations(project.migrations);
    const reversible = migrations.filter((one) => existsSync(downOf(one.path)));
    assert.deepEqual(
      migrations.filter((one) => !reversible.includes(one)).map((one) => one.name),
      ["20250113090000_init"],
    );
    const test = await testCluster();
    const scratch = await test.create(`${name}_down`, { owner: "shop" });
    const apply = async (sql: string) =>
      withClient(scratch, { applicationName: "test", role: "shop" }, (client) => client.query(sql));
    for (const migration of migrations) {
      const before = await dump(scratch);
      await apply(migration.sql);
      if (!reversible.includes(migration)) continue;
      assert.notEqual(await dump(scratch), before, migration.name);
      await apply(await readFile(downOf(migration.path), "utf8"));
      assert.equal(await dump(scratch), before, migration.name);
      await apply(migration.sql);
    }
    await test.drop(scratch.name);
  });

  /** The schema as pg_dump writes it; newer releases frame it with a random key. */
  async function dump(scratch: Database): Promise<string> {
    const env = await libpqEnvironment(scratch);
    const { exitCode, stdout, stderr } = await run(join(binaries, "pg_dump"), ["--schema-only"], { env });
    assert.equal(exitCode, 0, stderr);
    return stdout.replace(/^\\(un)?restrict .*$/gm, "");
  }
});

function downOf(path: string): string {
  return join(dirname(path), "down.sql");
}
