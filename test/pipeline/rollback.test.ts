import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Database, type RollbackResult, rollbackRequest } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { withPipelineLock } from "../../pipeline/postgres/pipelineLock.js";
import { run } from "../../pipeline/process.js";
import { backup } from "../../pipeline/stages/backup.js";
import { rollback } from "../../pipeline/stages/rollback.js";
import { stockPrismaFor } from "../../tools/prisma/stock.js";
import { testCluster } from "../support/postgres.js";
import { apply, comparison } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { failsWith, query, quiet, temporaryStore } from "./backupFixtures.js";

const migrations = {
  "1_init": 'CREATE TABLE "Thing" (id int NOT NULL, CONSTRAINT "Thing_pkey" PRIMARY KEY (id));',
  "2_note": 'ALTER TABLE "Thing" ADD COLUMN note text;',
  "3_index": 'CREATE INDEX CONCURRENTLY "Thing_note_idx" ON "Thing" (note);',
  "4_count": 'ALTER TABLE "Thing" ADD COLUMN count int;\nUPDATE "Thing" SET count = id * 2;',
};
const downs: Readonly<Record<string, string>> = {
  "2_note": 'ALTER TABLE "Thing" DROP COLUMN note;',
  "3_index": 'DROP INDEX CONCURRENTLY "Thing_note_idx";',
  "4_count": 'ALTER TABLE "Thing" DROP COLUMN count;',
};

describe("rollback", function () {
  this.timeout(120_000);
  const name = "rolled_back";
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  const down = (migration: string, sql: string) => writeFile(path.join(project.migrations, migration, "down.sql"), sql);
  beforeEach(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "app owner" });
    project = await writeProject(migrations, "model Thing {\n  id Int @id\n}\n");
    for (const [migration, sql] of Object.entries(downs)) await down(migration, sql);
    await apply(database, project, "1_init");
    await query(database, 'INSERT INTO "Thing" SELECT generate_series(1, 100)');
    for (const migration of Object.keys(migrations).slice(1)) await apply(database, project, migration);
  });
  afterEach(async () => {
    await project.remove();
    await store.remove();
  });
  after(async () => (await testCluster()).drop(name));

  const base = (migrate: object = {}) =>
    requestOf(
      { database, project, store },
      {
        run: `run-${++runs}`,
        settings: { migrate: { lockTimeoutMs: 200, lockRetries: 1, retryDelayMs: 10, ...migrate } },
      },
    );
  const back = (extent: object = {}): Promise<RollbackResult> =>
    rollback(rollbackRequest.parse({ ...base(), ...extent }), quiet);
  const standing = async () => {
    const { applied, pending } = await comparison(database, project);
    return { applied: applied.map(({ name: one }) => one), pending: pending.map(({ name: one }) => one) };
  };
  const columns = async () =>
    (
      await query<{ name: string }>(
        database,
        `SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'Thing' ORDER BY 1`,
      )
    )
      .map((row) => row.name)
      .join();
  const sum = async () => (await query<{ sum: string }>(database, 'SELECT sum(id)::text AS sum FROM "Thing"'))[0]?.sum;
  const untouched = async () => {
    assert.deepEqual(await standing(), { applied: Object.keys(migrations), pending: [] });
    assert.equal(await columns(), "count,id,note");
  };

  it("takes the newest migration back behind a backup, and Prisma takes it for one that is not applied", async () => {
    const result = await back();
    assert.deepEqual(
      result.takenBack.map(({ name: one, attempts }) => [one, attempts]),
      [["4_count", 1]],
    );
    assert.deepEqual([result.newest, result.warnings], ["3_index", []]);
    assert.equal(await columns(), "id,note");
    assert.equal(await sum(), "5050");
    assert.deepEqual(await standing(), { applied: ["1_init", "2_note", "3_index"], pending: ["4_count"] });
    const { command, args, env, cwd } = stockPrismaFor({
      environment: "local",
      database,
      project: { schema: project.schema, migrations: project.migrations, root: path.resolve(__dirname, "../..") },
    });
    const prisma = async (what: string) => {
      const { stdout, stderr } = await run(command, [...args, "migrate", what], {
        env: { ...env, NO_COLOR: "1" },
        cwd,
      });
      return stdout + stderr;
    };
    assert.match(await prisma("status"), /have not yet been applied:\n4_count/);
    assert.match(await prisma("deploy"), /4_count/);
    await untouched();
    assert.deepEqual((await back()).takenBack.length, 1, "and it can be taken back again");
  });

  it("takes several back in reverse, one that runs outside of a transaction among them", async () => {
    const result = await back({ to: "1_init" });
    assert.deepEqual(
      result.takenBack.map(({ name: one }) => one),
      ["4_count", "3_index", "2_note"],
    );
    assert.equal(await columns(), "id");
    assert.deepEqual(await standing(), { applied: ["1_init"], pending: ["2_note", "3_index", "4_count"] });
  });

  it("refuses where a migration has no way back, names it and the restore instead, and touches nothing", async () => {
    await rm(path.join(project.migrations, "3_index", "down.sql"));
    await assert.rejects(back({ steps: 2 }), (error: unknown) => {
      failsWith("NO_WAY_BACK", /3_index: it has no down\.sql/)(error);
      return /No backup from before 3_index is in the store/.test((error as PipelineError).next);
    });
    await back();
    await backup(base(), quiet);
    await apply(database, project, "4_count");
    await down("4_count", "-- There is no way back: the old values are gone.\n");
    await assert.rejects(back(), (error: unknown) => {
      failsWith("NO_WAY_BACK", /4_count: it has a down\.sql with comments and no statement/)(error);
      return /npm run db:restore -- --backup run-\d+/.test((error as PipelineError).next);
    });
    await untouched();
  });

  it("refuses a migration whose file was edited or is gone", async () => {
    await project.migration("4_count", 'ALTER TABLE "Thing" ADD COLUMN other int;');
    await assert.rejects(back(), failsWith("NO_WAY_BACK", /4_count: its migration\.sql was edited/));
    await rm(path.join(project.migrations, "4_count"), { recursive: true });
    await assert.rejects(back(), failsWith("NO_WAY_BACK", /4_count: it is not in/));
  });

  it("says what was asked for and is not there", async () => {
    await assert.rejects(back({ steps: 5 }), failsWith("ROLLBACK_EXTENT", /5 migration\(s\).* 4 are applied/));
    await assert.rejects(back({ to: "9_no" }), failsWith("ROLLBACK_EXTENT", /"9_no" is not applied/));
    await assert.rejects(back({ to: "4_count" }), failsWith("ROLLBACK_EXTENT", /nothing after it/));
    await assert.rejects(back({ to: "1_init", steps: 1 }), failsWith("ROLLBACK_EXTENT", /two ways/));
    await untouched();
  });

  it("leaves a migration applied whose down.sql fails half-way, and those before it taken back", async () => {
    await down("2_note", 'ALTER TABLE "Thing" DROP COLUMN note;\nALTER TABLE "Thing" DROP COLUMN nothing;');
    await assert.rejects(back({ to: "1_init" }), (error: unknown) => {
      failsWith("ROLLBACK_FAILED", /2_note could not be taken back: .*"nothing".*line 2/s)(error);
      const { kind, state, next } = error as PipelineError;
      assert.equal(kind, "failedChanged");
      assert.match(state, /2_note is applied, as before.*Taken back, and no longer applied: 4_count, 3_index/);
      assert.match(next, /Mend 2_note\/down\.sql.*db:restore -- --backup run-/);
      return true;
    });
    assert.equal(await columns(), "id,note");
    assert.deepEqual((await standing()).applied, ["1_init", "2_note"]);
  });

  it("finds a down.sql that does not go back", async () => {
    await down("4_count", 'ALTER TABLE "Thing" ALTER COLUMN count SET DEFAULT 1;');
    await assert.rejects(back(), (error: unknown) => {
      failsWith("DOWN_INCOMPLETE", /count/)(error);
      return (error as PipelineError).kind === "failedChanged";
    });
    await query(database, 'ALTER TABLE "Thing" DROP COLUMN count');
  });

  it("does not queue behind a lock, and names who holds it", async () => {
    const holder = await connect(database, { applicationName: "a slow report" });
    await holder.query('BEGIN; LOCK TABLE "Thing" IN ACCESS SHARE MODE');
    await assert.rejects(back(), (error: unknown) => {
      failsWith("LOCK_TIMEOUT", /4_count could not be taken back.*a slow report/s)(error);
      return (error as PipelineError).kind === "failedUnchanged";
    });
    await holder.end();
    await untouched();
  });

  it("keeps another stage off, and is kept off by it", async () => {
    await withPipelineLock(database, "restore x", () => assert.rejects(back(), failsWith("PIPELINE_LOCKED")));
    await untouched();
  });

  it("does not go over a migration of which it is not known what it did", async () => {
    await mkdir(path.join(project.migrations, "5_stock"));
    await project.migration("5_stock", "SELECT 1;");
    await query(
      database,
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('x', 'x', '5_stock', 'ERROR')`,
    );
    await assert.rejects(back(), failsWith("FAILED_MIGRATION", /5_stock/));
  });
});
