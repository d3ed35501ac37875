import assert from "node:assert/strict";
import type { Database } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { silent } from "../../../pipeline/log.js";
import { connect } from "../../../pipeline/postgres/connection.js";
import { prismaLockKey, withAdvisoryLock } from "../../../pipeline/prisma/advisoryLock.js";
import { applyMigration, clearFailed } from "../../../pipeline/prisma/apply.js";
import { isProvedUnchanged } from "../../../pipeline/prisma/history.js";
import { readMigrations } from "../../../pipeline/prisma/migrations.js";
import { testCluster } from "../../support/postgres.js";
import { apply, comparison, failureOf, limits, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";

describe("applying a migration", function () {
  this.timeout(60_000);
  let database: Database;
  let project: TestProject;

  beforeEach(async () => {
    database = await (await testCluster()).create("prisma_apply", { owner: "app owner" });
    project = await writeProject();
  });
  afterEach(() => project.remove());

  it("runs a function body with semicolons and dollar quotes, as the owner", async () => {
    await project.migration(
      "1_function",
      `CREATE TABLE "Tëst" (id int); -- a; comment
       CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $body$
       BEGIN NEW.id := NEW.id + 1; PERFORM ';'; RETURN NEW; END; $body$;
       CREATE TRIGGER t BEFORE INSERT ON "Tëst" FOR EACH ROW EXECUTE FUNCTION bump();
       INSERT INTO "Tëst" VALUES (1);`,
    );
    await apply(database, project, "1_function");
    assert.deepEqual(await rows(database, `select id from "Tëst"`), [{ id: 2 }]);
    const owners = await rows(database, `select distinct tableowner from pg_tables where schemaname = 'public'`);
    assert.deepEqual(owners, [{ tableowner: "app owner" }]);
    const { applied, pending, failed } = await comparison(database, project);
    assert.deepEqual([applied.length, pending.length, failed.length], [1, 0, 0]);
    assert.equal(applied[0]?.row.checksum, applied[0]?.checksum);
    assert.equal(applied[0]?.row.logs, null);
    assert.equal(applied[0]?.row.appliedSteps, 1);
  });

  it("leaves nothing of one that fails in its second statement, and applies the mended file", async () => {
    await project.migration("1_bad", "CREATE TABLE a (id int);\n-- é\n\tALTER TABLE nobody ADD x int;\n");
    const error = await failureOf(apply(database, project, "1_bad"));
    assert.equal(error.rolledBackWhole, true);
    assert.equal(error.sqlState, "42P01");
    assert.match(error.message, /relation "nobody" does not exist \(SQLSTATE 42P01\) at line 3, column 2/);
    assert.match(error.excerpt, /3 \| \tALTER TABLE nobody ADD x int;\n {2}\| \t\^/);
    assert.deepEqual(await rows(database, "select to_regclass('a') as a"), [{ a: null }]);
    const { failed, pending } = await comparison(database, project);
    assert.equal(failed.length, 1);
    assert.ok(failed[0] !== undefined && isProvedUnchanged(failed[0]), "the row carries the proof");
    assert.deepEqual(
      pending.map(({ name }) => name),
      ["1_bad"],
    );

    await clearFailed(database, project, "1_bad");
    await project.migration("1_bad", "CREATE TABLE a (id int);");
    await apply(database, project, "1_bad");
    const after = await comparison(database, project);
    assert.deepEqual([after.applied.length, after.failed.length, after.rolledBack.length], [1, 0, 1]);
  });

  it("names the statement of an error that has no position: a constraint that a row violates", async () => {
    await project.migration(
      "1_check",
      "CREATE TABLE a (n int CHECK (n > 0));\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (0);",
    );
    const error = await failureOf(apply(database, project, "1_check"));
    assert.equal(error.sqlState, "23514");
    assert.match(error.message, /at line 3, column 1/);
    assert.equal(error.rolledBackWhole, true);
  });

  it("rolls back when a deferred constraint fails at COMMIT", async () => {
    await project.migration(
      "1_deferred",
      `CREATE TABLE p (id int PRIMARY KEY);
       CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
       INSERT INTO c VALUES (1);`,
    );
    const error = await failureOf(apply(database, project, "1_deferred"));
    assert.equal(error.sqlState, "23503");
    assert.equal(error.rolledBackWhole, true);
    assert.deepEqual(await rows(database, "select to_regclass('p') as p"), [{ p: null }]);
  });

  it("gives up at the lock timeout with nothing changed, and says that it was the lock", async () => {
    await project.migration("0_busy", "CREATE TABLE busy (id int);");
    await apply(database, project, "0_busy");
    await project.migration("1_lock", "CREATE TABLE first (id int);\nALTER TABLE busy ADD x int;");
    const holder = await connect(database, { applicationName: "holder" });
    try {
      await holder.query("begin; lock table busy in access share mode");
      const error = await failureOf(apply(database, project, "1_lock"));
      assert.equal(error.lockTimeout, true);
      assert.equal(error.rolledBackWhole, true);
      assert.match(error.message, /line 2/);
    } finally {
      await holder.end();
    }
    assert.deepEqual(await rows(database, "select to_regclass('first') as t"), [{ t: null }]);
    await clearFailed(database, project, "1_lock");
    await apply(database, project, "1_lock");
  });

  it("is cancelled by an abort, and rolled back", async () => {
    await project.migration("1_slow", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);");
    const stop = new AbortController();
    const folder = await readMigrations(project.migrations);
    const running = applyMigration(database, project, folder, "1_slow", { ...limits, signal: stop.signal });
    const seen =
      "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()";
    while ((await rows<{ n: number }>(database, seen))[0]?.n === 0);
    stop.abort();
    const error = await failureOf(running);
    assert.equal(error.rolledBackWhole, true);
    assert.deepEqual(await rows(database, "select to_regclass('a') as a"), [{ a: null }]);
  });

  it("settles by asking the server when the connection is lost in the middle", async () => {
    await project.migration("1_lost", "CREATE TABLE a (id int);\nSELECT pg_terminate_backend(pg_backend_pid());");
    const error = await failureOf(apply(database, project, "1_lost"));
    assert.equal(error.rolledBackWhole, true);
    assert.deepEqual(await rows(database, "select to_regclass('a') as a"), [{ a: null }]);
  });

  it("runs CREATE INDEX CONCURRENTLY alone, and drops the invalid index where it fails", async () => {
    await project.migration("1_table", "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1);");
    await project.migration("2_index", "-- two rows are equal\nCREATE UNIQUE INDEX CONCURRENTLY t_n ON t (n);");
    await apply(database, project, "1_table");
    const error = await failureOf(apply(database, project, "2_index"));
    assert.equal(error.sqlState, "23505");
    assert.equal(error.rolledBackWhole, true);
    assert.deepEqual(await rows(database, "select to_regclass('t_n') as i"), [{ i: null }]);
    await clearFailed(database, project, "2_index");
    await rows(database, "delete from t");
    await apply(database, project, "2_index");
    assert.deepEqual(await rows(database, "select indisvalid from pg_index where indexrelid = 't_n'::regclass"), [
      { indisvalid: true },
    ]);
  });

  it("refuses a file that mixes it with other statements, unless the file gives up the rollback", async () => {
    await project.migration("1_mixed", "CREATE TABLE t (n int);\nCREATE INDEX CONCURRENTLY t_n ON t (n);");
    const error = await failureOf(apply(database, project, "1_mixed"));
    assert.match(error.message, /line 2: CREATE INDEX CONCURRENTLY cannot run in a transaction/);
    assert.equal(error.rolledBackWhole, true);
    await clearFailed(database, project, "1_mixed");
    await project.migration(
      "1_mixed",
      "-- no-transaction\nCREATE TABLE t (n int);\nCREATE INDEX CONCURRENTLY t_n ON t (n);",
    );
    await apply(database, project, "1_mixed");
    await project.migration("2_half", "-- no-transaction\nCREATE TABLE u (n int);\nSELECT 1/0;");
    const half = await failureOf(apply(database, project, "2_half"));
    assert.equal(half.rolledBackWhole, false);
    const { failed } = await comparison(database, project);
    assert.deepEqual(failed.map(isProvedUnchanged), [false]);
  });

  it("explains that a new enum value cannot be used in the transaction that adds it", async () => {
    await project.migration("1_enum", "CREATE TYPE e AS ENUM ('A');");
    await project.migration("2_use", "ALTER TYPE e ADD VALUE 'B';\nCREATE TABLE t (e e DEFAULT 'B');");
    await apply(database, project, "1_enum");
    const error = await failureOf(apply(database, project, "2_use"));
    assert.equal(error.sqlState, "55P04");
    assert.match(error.message, /migration of its own, before this one/);
    assert.equal(error.rolledBackWhole, true);
  });

  it("applies whole or not at all what Prisma itself wraps in BEGIN and COMMIT", async () => {
    await project.migration("1_swap", "BEGIN;\nCREATE TYPE e AS ENUM ('A');\nCOMMIT;\nSELECT 1/0;");
    const error = await failureOf(apply(database, project, "1_swap"));
    assert.match(error.message, /line 4, column 1/);
    assert.equal(error.rolledBackWhole, true);
    assert.deepEqual(await rows(database, "select to_regtype('e') as e"), [{ e: null }]);
  });

  it("lets a file set up its transaction, with BEGIN and COMMIT or without, and leaves nothing of one that fails", async () => {
    const level = "INSERT INTO seen SELECT current_setting('transaction_isolation')";
    await project.migration(
      "1_pair",
      `BEGIN;\nSET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nCREATE TABLE seen (level text);\n${level};\nCOMMIT;`,
    );
    await project.migration("2_whole", `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n${level};`);
    await project.migration("3_fails", `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n${level};\nSELECT 1 / 0;`);
    await apply(database, project, "1_pair");
    await apply(database, project, "2_whole");
    const error = await failureOf(apply(database, project, "3_fails"));
    assert.equal(error.rolledBackWhole, true);
    assert.deepEqual(await rows(database, "select level from seen order by 1"), [
      { level: "repeatable read" },
      { level: "serializable" },
    ]);
  });

  it("tells what a file with transactions of its own left, and where it failed", async () => {
    const first = "BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE a (id int);\n";
    await project.migration("1_own", `${first}SELECT 1/0;\nCOMMIT;`);
    const whole = await failureOf(apply(database, project, "1_own"));
    assert.match(whole.message, /line 3, column 1/);
    assert.equal(whole.rolledBackWhole, true);
    assert.deepEqual(await rows(database, "select to_regclass('a') as a"), [{ a: null }]);
    await clearFailed(database, project, "1_own");

    await project.migration("1_own", `${first}COMMIT;\nSELECT 1/0;`);
    const half = await failureOf(apply(database, project, "1_own"));
    assert.match(half.message, /line 4, column 1/);
    assert.equal(half.rolledBackWhole, false);
    assert.deepEqual(await rows(database, "select to_regclass('a') as a"), [{ a: "a" }]);
  });

  it("finishes its row whatever role and search path the script leaves set", async () => {
    await project.migration("1_set", "SET search_path = pg_catalog; SET ROLE pg_monitor; SELECT 1;");
    await rows(database, 'grant pg_monitor to "app owner"');
    await apply(database, project, "1_set");
    assert.equal((await comparison(database, project)).applied.length, 1);
  });

  it("refuses a database with tables and no history, naming the remedy", async () => {
    await rows(database, "create table there (id int)");
    await project.migration("1_a", "CREATE TABLE a (id int);");
    await assert.rejects(
      apply(database, project, "1_a"),
      (error: unknown) => error instanceof PipelineError && error.code === "P3005" && /--applied NAME/.test(error.next),
    );
  });

  it("names who holds Prisma's lock when it gives up", async () => {
    const holder = await connect(database, { applicationName: "another deploy" });
    try {
      await holder.query("select pg_advisory_lock($1)", [prismaLockKey]);
      await assert.rejects(
        withAdvisoryLock(database, 50, () => Promise.resolve()),
        (error: unknown) =>
          error instanceof PipelineError &&
          error.kind === "refused" &&
          /"another deploy", user postgres/.test(error.message),
      );
    } finally {
      await holder.end();
    }
    assert.equal(await withAdvisoryLock(database, 50, () => Promise.resolve("done")), "done");
  });

  it("works with the extensions and names that applications use", async () => {
    await project.migration(
      "1_extensions",
      `CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION pg_trgm;
       CREATE TABLE "Weird ""Nàme"" ☃" (id uuid DEFAULT uuid_generate_v4() PRIMARY KEY, mail citext, "a;b" text);
       CREATE INDEX ON "Weird ""Nàme"" ☃" USING gin ("a;b" gin_trgm_ops);`,
    );
    await applyMigration(database, project, await readMigrations(project.migrations), "1_extensions", {
      ...limits,
      log: silent,
    });
    assert.equal((await comparison(database, project)).applied.length, 1);
  });
});
