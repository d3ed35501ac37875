import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Database } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { connect } from "../../../pipeline/postgres/connection.js";
import { silent } from "../../../pipeline/log.js";
import { clearFailed } from "../../../pipeline/prisma/apply.js";
import { createMigrationSql, markApplied, reset, writeMigration } from "../../../pipeline/prisma/authoring.js";
import { diffDrift, diffSchema } from "../../../pipeline/prisma/drift.js";
import { EngineError } from "../../../pipeline/prisma/engine.js";
import { loadSchema } from "../../../pipeline/prisma/schema.js";
import { createShadowDatabase } from "../../../pipeline/prisma/shadow.js";
import { testCluster } from "../../support/postgres.js";
import { apply, comparison, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";

const shadows = "select datname from pg_database where datname like 'safe\\_migration\\_shadow%'";
const thing = "model Thing {\n  id Int @id\n  n  Int?\n}\n";
const makeThing = 'CREATE TABLE "Thing" (id int NOT NULL, n int, CONSTRAINT "Thing_pkey" PRIMARY KEY (id));\n';

describe("comparing database, migrations and schema", function () {
  this.timeout(60_000);
  let database: Database;
  let project: TestProject;

  beforeEach(async () => {
    database = await (await testCluster()).create("prisma_drift", { owner: "app owner" });
    project = await writeProject({}, thing);
  });
  afterEach(async () => {
    await project.remove();
    assert.deepEqual(await rows(database, shadows), [], "no shadow database is left");
  });

  it("finds no drift behind what Prisma does not model, and finds what was done by hand", async () => {
    await project.migration(
      "1_thing",
      `${makeThing}CREATE INDEX part ON "Thing" (n) WHERE n > 3; ALTER TABLE "Thing" ADD CHECK (n > 0);
       CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;`,
    );
    await apply(database, project, "1_thing");
    const none = await diffDrift(database, project, { applied: ["1_thing"] });
    assert.deepEqual(none, { drifted: false, summary: "", script: "" });

    await rows(database, 'alter table "Thing" add column extra text');
    const drift = await diffDrift(database, project, { applied: ["1_thing"] });
    assert.equal(drift.drifted, true);
    assert.match(drift.summary, /Changed the `Thing` table[\s\S]*Added column `extra`/);
    assert.match(drift.script, /ALTER TABLE "public"\."Thing" ADD COLUMN +"extra" TEXT/);
  });

  it("leaves pending migrations out, and runs CREATE INDEX CONCURRENTLY in the replay", async () => {
    await project.migration("1_thing", makeThing);
    await project.migration("2_index", 'CREATE INDEX CONCURRENTLY "Thing_n_idx" ON "Thing" (n);');
    await project.migration("3_pending", "CREATE TABLE later (id int PRIMARY KEY);");
    await apply(database, project, "1_thing");
    await apply(database, project, "2_index");
    assert.equal((await diffDrift(database, project, { applied: ["1_thing", "2_index"] })).drifted, false);
    assert.equal((await diffDrift(database, project, { applied: ["1_thing", "2_index", "3_pending"] })).drifted, true);
  });

  it("says which migration cannot be replayed, and leaves no shadow database", async () => {
    await project.migration("1_bad", "SELECT 1/0;");
    await assert.rejects(
      diffDrift(database, project, { applied: ["1_bad"] }),
      (error: unknown) =>
        error instanceof PipelineError &&
        error.code === "REPLAY_FAILED" &&
        /first that fails is 1_bad:\n22012: division by zero/.test(error.message),
    );
  });

  it("makes the next migration from the schema, and an empty one where nothing changed", async () => {
    await project.migration("1_thing", makeThing);
    await project.models(thing.replace("n  Int?", 'n  Int?\n  label String @default("it\'s; ☃")'));
    assert.match((await diffSchema(database, project)).summary, /Added column `label`/);
    const made = await createMigrationSql(database, project, "Add Label: Ünïcode!");
    assert.match(made.name, /^\d{14}_add_label_unicode$/);
    assert.match(made.sql, /ADD COLUMN +"label" TEXT NOT NULL DEFAULT 'it''s; ☃'/);
    await writeMigration(project.migrations, made);
    await apply(database, project, "1_thing");
    await apply(database, project, made.name);
    assert.equal((await diffSchema(database, project)).drifted, false);
    const empty = await createMigrationSql(database, project, "by_hand");
    assert.equal(empty.empty, true);
    assert.match(empty.sql, /^-- /);
  });

  it("resets, and records as applied and as rolled back", async () => {
    await project.migration("1_thing", makeThing);
    await markApplied(database, project, "1_thing");
    assert.equal((await comparison(database, project)).applied.length, 1);
    assert.deepEqual(await rows(database, `select to_regclass('"Thing"') as t`), [{ t: null }]);
    await reset(database, project);
    assert.equal((await comparison(database, project)).applied.length, 0);
    await apply(database, project, "1_thing");
    assert.equal((await comparison(database, project)).applied.length, 1);
    await assert.rejects(clearFailed(database, project, "1_thing"), EngineError);
  });

  it("drops what a crash left of shadow databases, only ours and only unused", async () => {
    const crashed = await createShadowDatabase(database, silent);
    await rows(
      database,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'safe-migration shadow'`,
    );
    await rows(database, "create database safe_migration_shadow_of_somebody");
    const used = await createShadowDatabase(database, silent);
    const other = await createShadowDatabase(database, silent);
    const left = (await rows<{ datname: string }>(database, shadows)).map(({ datname }) => datname);
    assert.deepEqual(left.sort(), [used.name, other.name, "safe_migration_shadow_of_somebody"].sort());
    assert.ok(!left.includes(crashed.name));
    await crashed.drop().catch(() => undefined);
    await used.drop();
    await other.drop();
    await rows(database, "drop database safe_migration_shadow_of_somebody");
  });
});

describe("a schema of several files and several PostgreSQL schemas", function () {
  this.timeout(60_000);

  it("is created, applied and found without drift; its relations are where the schema says", async () => {
    const database = await (await testCluster()).create("prisma_mapped", { owner: "app owner" });
    const root = await mkdtemp(path.join(tmpdir(), "safe-migration-project-"));
    const project = { schema: path.join(root, "schema"), migrations: path.join(root, "migrations") };
    try {
      await cp(path.resolve(__dirname, "../../support/prismaProjects/mapped/schema"), project.schema, {
        recursive: true,
      });
      const made = await createMigrationSql(database, project, "init");
      await writeMigration(project.migrations, made);
      await apply(database, project, made.name);
      assert.deepEqual(await diffDrift(database, project, { applied: [made.name] }), {
        drifted: false,
        summary: "",
        script: "",
      });
      assert.equal((await diffSchema(database, project)).drifted, false);
      const { relations } = await loadSchema(project.schema);
      const client = await connect(database, { applicationName: "test" });
      try {
        for (const { schema, table, columns, referencedSchema, referencedTable, referencedColumns } of relations) {
          const quoted = (names: readonly string[]) => names.map((name) => client.escapeIdentifier(name)).join(", ");
          await client.query(`select ${quoted(columns)} from ${quoted([schema])}.${quoted([table])}`);
          await client.query(
            `select ${quoted(referencedColumns)} from ${quoted([referencedSchema])}.${quoted([referencedTable])}`,
          );
        }
      } finally {
        await client.end();
      }
      await rows(database, `alter table "Shop"."Post" add column drifted int`);
      assert.match((await diffDrift(database, project, { applied: [made.name] })).summary, /drifted/);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
