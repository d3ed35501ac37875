import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import type { Database } from "../../../pipeline/contracts.js";
import { readPassword } from "../../../pipeline/postgres/connection.js";
import { run } from "../../../pipeline/process.js";
import { stockPrismaFor } from "../../../tools/prisma/stock.js";
import { testCluster } from "../../support/postgres.js";
import { apply, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";

/** Prisma's own CLI, unchanged, over the stand-in for its schema engine. */
describe("the stock Prisma CLI", function () {
  this.timeout(180_000);
  let database: Database;
  let project: TestProject;
  let environment = "local";

  const paths = () => ({ schema: project.schema, migrations: project.migrations });

  async function prisma(...args: string[]): Promise<{ exitCode: number; text: string }> {
    const { command, args: fixed, env, cwd } = stockPrismaFor({ environment, database, project: paths() });
    const { exitCode, stdout, stderr } = await run(command, [...fixed, ...args], {
      env: { ...env, NO_COLOR: "1" },
      cwd,
    });
    return { exitCode, text: stdout + stderr };
  }

  async function succeeds(...args: string[]): Promise<string> {
    const { exitCode, text } = await prisma(...args);
    assert.equal(exitCode, 0, text);
    return text;
  }

  beforeEach(async () => {
    environment = "local";
    database = await (await testCluster()).create("prisma_stock", { owner: "app owner" });
    project = await writeProject(
      { "20240101000000_thing": 'CREATE TABLE "Thing" (id int NOT NULL, CONSTRAINT "Thing_pkey" PRIMARY KEY (id));' },
      "model Thing {\n  id Int @id\n  n  Int?\n}\n",
    );
  });
  afterEach(() => project.remove());

  it("applies what is pending, makes a migration of the change, and finds both sides equal", async () => {
    assert.match(await succeeds("migrate", "dev", "--name", "Add N"), /Your database is now in sync/);
    const made = (await readdir(project.migrations)).find((name) => name.endsWith("_add_n")) ?? "";
    assert.match(
      await readFile(path.join(project.migrations, made, "migration.sql"), "utf8"),
      /ADD COLUMN +"n" INTEGER/,
    );
    assert.match(await succeeds("migrate", "status"), /Database schema is up to date/);
    const same = ["--from-migrations", project.migrations, "--to-config-datasource", "--exit-code"];
    assert.match(await succeeds("migrate", "diff", ...same), /No difference detected/);
    assert.match(await succeeds("db", "pull", "--print"), /model Thing \{/);
    const owners = await rows(database, `select distinct tableowner from pg_tables where schemaname = 'public'`);
    assert.deepEqual(owners, [{ tableowner: "app owner" }]);
  });

  it("applies a failing migration not at all, leaves no P3009, and applies the mended file", async () => {
    await project.migration("20240102000000_bad", "CREATE TABLE half (id int);\nSELECT 1/0;");
    const failed = await prisma("migrate", "deploy");
    assert.equal(failed.exitCode, 1);
    assert.match(failed.text, /22012: division by zero \(line 2, column 1\)/);
    assert.deepEqual(await rows(database, "select to_regclass('half') as t"), [{ t: null }]);
    await project.migration("20240102000000_bad", "CREATE TABLE half (id int);");
    assert.match(await succeeds("migrate", "deploy"), /20240102000000_bad/);
  });

  it("resets local, and refuses to reset what is not disposable", async () => {
    await apply(database, project, "20240101000000_thing");
    await rows(database, `insert into "Thing" values (1)`);
    environment = "staging";
    const refused = await prisma("migrate", "reset", "--force");
    assert.equal(refused.exitCode, 1);
    assert.match(refused.text, /"staging" is never reset/);
    assert.deepEqual(await rows(database, `select count(*)::int as n from "Thing"`), [{ n: 1 }]);
    environment = "local";
    await succeeds("migrate", "reset", "--force");
    assert.deepEqual(await rows(database, `select count(*)::int as n from "Thing"`), [{ n: 0 }]);
  });

  it("does not make a database of a mistyped name on staging", async () => {
    environment = "staging";
    database = { ...database, name: "prisma_stock_mistyped" };
    const refused = await prisma("migrate", "deploy");
    assert.equal(refused.exitCode, 1);
    assert.match(refused.text, /never created by a Prisma command/);
  });

  it("is handed no password, and prints none", async () => {
    const password = await readPassword(database.password, database);
    assert.ok(password !== undefined && password.length > 8, "the cluster asks for a password");
    const { args, env } = stockPrismaFor({ environment, database, project: paths() });
    assert.ok(!JSON.stringify([args, env]).includes(password));
    assert.ok(!(await succeeds("migrate", "deploy")).includes(password));
  });

  it("works without a database where it needs none, and reads no ambient DATABASE_URL", async () => {
    process.env["DATABASE_URL"] = "postgresql://nobody@localhost:1/wrong";
    try {
      const { command, args, env, cwd } = stockPrismaFor({ environment, project: paths() });
      const text = async (...more: string[]) => {
        const { stdout, stderr } = await run(command, [...args, ...more], { env: { ...env, NO_COLOR: "1" }, cwd });
        return stdout + stderr;
      };
      assert.match(await text("validate"), /is valid/);
      const status = await text("migrate", "status");
      assert.match(status, /datasource\.url/);
      assert.ok(!status.includes("wrong"));
      assert.equal(env["DATABASE_URL"], undefined);
    } finally {
      delete process.env["DATABASE_URL"];
    }
  });
});
