import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Database, StageRequest } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { createMigrationSql, devDiagnostic, markApplied } from "../../../pipeline/prisma/authoring.js";
import { diffDrift } from "../../../pipeline/prisma/drift.js";
import { withClient } from "../../../pipeline/postgres/connection.js";
import { compareHistory, readHistory } from "../../../pipeline/prisma/history.js";
import { readMigrations } from "../../../pipeline/prisma/migrations.js";
import { run } from "../../../pipeline/process.js";
import { backup } from "../../../pipeline/stages/backup.js";
import { migrate } from "../../../pipeline/stages/migrate.js";
import { preflight } from "../../../pipeline/stages/preflight.js";
import { rehearse } from "../../../pipeline/stages/rehearse.js";
import { verify } from "../../../pipeline/stages/verify.js";
import { generatorFor } from "../../../tools/prisma/generate.js";
import { testCluster } from "../../support/postgres.js";
import { apply, failureOf, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";
import { requestOf } from "../../support/stageRequest.js";
import { failsWith, quiet, temporaryStore } from "../backupFixtures.js";

const thing = "model Thing {\n  id Int @id\n}\n";
const makeThing = 'CREATE TABLE "Thing" (id int NOT NULL, CONSTRAINT "Thing_pkey" PRIMARY KEY (id));\n';

describe("Prisma as people have it", function () {
  this.timeout(120_000);
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  before(async () => {
    store = await temporaryStore();
  });
  after(() => store.remove());
  beforeEach(async () => {
    database = await (await testCluster()).create("as_people_have_it", { owner: "app owner" });
    project = await writeProject({}, thing);
  });
  afterEach(() => project.remove());

  const request = (settings: object = {}): StageRequest =>
    requestOf({ database, project, store }, { run: `people-${++runs}`, settings });
  const chain = async (base = request()) => {
    const made = await backup({ ...base, preflight: await preflight(base, quiet) }, quiet);
    const rehearsal = await rehearse({ ...base, backup: made }, quiet);
    const migrated = await migrate({ ...base, backup: made, rehearsal }, quiet);
    return { migrated, verified: await verify({ ...base, backup: made, migrate: migrated }, quiet) };
  };

  it("a schema of the connection that is not public, and not there yet: tables and history are made in it", async () => {
    database = { ...database, schema: "My app" };
    await project.migration("1_thing", makeThing);
    const { verified } = await chain();
    assert.deepEqual(verified.counts, { Thing: 0 });
    assert.deepEqual(
      await rows(
        database,
        `select schemaname, tablename, tableowner from pg_tables where schemaname !~ '^(pg_|inf)' order by 2`,
      ),
      ["Thing", "_prisma_migrations"].map((tablename) => ({
        schemaname: "My app",
        tablename,
        tableowner: "app owner",
      })),
    );
    const again = await preflight(request(), quiet);
    assert.deepEqual([again.applied.length, again.pending.length, again.warnings], [1, 0, []]);
    await rows(database, `create table "My app".by_hand (id int)`);
    await assert.rejects(preflight(request(), quiet), failsWith("DRIFT", /by_hand/));
    assert.equal((await createMigrationSql(database, project, "nothing")).empty, true);
  });

  it("says which right is lacking where that schema may not be made", async () => {
    await rows(database, `alter database as_people_have_it owner to postgres`);
    database = { ...database, schema: "forbidden" };
    await assert.rejects(preflight(request(), quiet), failsWith("MISSING_RIGHT", /permission denied for database/));
  });

  it("a long history is replayed, applied and verified", async () => {
    const tables = 20;
    for (let at = 0; at < 60; at++) {
      const table = `"t${at % tables}"`;
      const sql =
        at < tables
          ? `CREATE TABLE ${table} ("id" SERIAL PRIMARY KEY, "ref" int);`
          : `ALTER TABLE ${table} ADD COLUMN "c${at}" text DEFAULT 'x';\nCREATE INDEX ON ${table} ("c${at}");`;
      await project.migration(`${String(at).padStart(4, "0")}_m`, sql);
    }
    await project.models("");
    const { migrated, verified } = await chain();
    assert.deepEqual([migrated.applied.length, verified.migrations.length, verified.findings], [60, 60, []]);
    assert.equal((await preflight(request(), quiet)).pending.length, 0);
  });

  const fine: Readonly<Record<string, string>> = {
    carriage_returns: "CREATE TABLE crlf (\r\n  id int\r\n);\r\n-- end\r\n",
    comments_only: "-- nothing\n/* at all; */\n",
    no_text: "",
    settings: "SET search_path = pg_catalog; SET statement_timeout = 0; SELECT set_config('role', 'none', true);",
    nested_quotes:
      "CREATE FUNCTION nested() RETURNS void LANGUAGE plpgsql AS $a$ BEGIN EXECUTE $b$ DO $c$ BEGIN PERFORM 1; END $c$; $b$; END $a$; SELECT nested();",
    sql_body: "CREATE FUNCTION body() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;",
    definer: "CREATE FUNCTION definer() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';",
    temporary: "CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1 AS a; CREATE TABLE kept AS SELECT * FROM t;",
    notify: "LISTEN c; NOTIFY c, 'x'; SELECT pg_notify('c', 'y'); UNLISTEN *;",
    large_object: "SELECT lo_from_bytea(0, 'abc');",
    row_security:
      "CREATE TABLE secret (id int PRIMARY KEY); INSERT INTO secret VALUES (1); ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;",
    partitions:
      "CREATE TABLE p (d date) PARTITION BY RANGE (d); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');",
    wide: `CREATE TABLE wide (${Array.from({ length: 1_600 }, (_, at) => `c${at} int`).join(", ")});`,
    names: `CREATE TABLE "select" ("a""b" int, "${"é".repeat(31)}x" int); CREATE TABLE "${"t".repeat(63)}" (id int);`,
    enum_quotes: `CREATE TYPE mood AS ENUM ('it''s "so"', 'ü', ''); CREATE TABLE moods (m mood DEFAULT 'it''s "so"');`,
    deferred:
      "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO b VALUES (1); INSERT INTO a VALUES (1);",
    own_transaction: "BEGIN; CREATE TABLE own (id int); COMMIT;",
    refresh:
      "CREATE MATERIALIZED VIEW m AS SELECT 1 AS id; CREATE UNIQUE INDEX ON m (id); REFRESH MATERIALIZED VIEW CONCURRENTLY m;",
    large_file: `CREATE TABLE big (t text);\n${`INSERT INTO big VALUES ('${"x".repeat(500)}');\n`.repeat(4_000)}`,
  };

  it("odd migrations are applied, backed up, and found without drift", async () => {
    for (const [name, sql] of Object.entries(fine)) await project.migration(name, sql);
    await project.models(
      '/// \nmodel secret {\n  id Int @id\n}\nmodel Select {\n  ab Int? @map("x")\n  @@map("select")\n  @@ignore\n}\n',
    );
    const { migrated, verified } = await chain();
    assert.equal(migrated.applied.length, Object.keys(fine).length);
    assert.deepEqual([verified.counts, verified.findings], [{ secret: 1 }, []]);
  });

  it("what no server can run is refused before anything is touched, each with its line", async () => {
    await project.migration("1_bom", "\uFEFFSELECT 1;");
    await project.migration(
      "2_dump",
      "-- PostgreSQL database dump\n\\restrict abc\nCREATE TABLE a (id int);\n\\unrestrict abc\n",
    );
    await project.migration("3_copy", "CREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\n\\.\n");
    await assert.rejects(preflight(request(), quiet), (error: unknown) => {
      assert.ok(error instanceof PipelineError && error.code === "NOT_ATOMIC" && error.kind === "refused");
      for (const part of ["1_bom: line 1:", "2_dump: line 2: \\restrict", "3_copy: line 2: COPY"]) {
        assert.ok(error.message.includes(part), `${part} in ${error.message}`);
      }
      return true;
    });
    await project.migration("1_bom", "SELECT '\0';");
    await assert.rejects(preflight(request(), quiet), failsWith("MIGRATION_ENCODING", /1_bom.*NUL/));
  });

  it("an extension that only a superuser may make: made by hand before, and by itself in the replay", async () => {
    await project.migration("1_extension", `CREATE EXTENSION IF NOT EXISTS pg_stat_statements;\n${makeThing}`);
    const failed = await failureOf(apply(database, project, "1_extension"));
    assert.match(
      failed.message,
      /as a superuser, in this database: CREATE EXTENSION IF NOT EXISTS "pg_stat_statements";/,
    );
    await rows(database, "create extension pg_stat_statements; update _prisma_migrations set rolled_back_at = now()");
    await chain();
    assert.equal((await createMigrationSql(database, project, "nothing")).empty, true);
  });

  it("the preview feature postgresqlExtensions is no drift, and repeats nothing in new migrations", async () => {
    const head =
      'generator client {\n  provider = "prisma-client-js"\n  previewFeatures = ["postgresqlExtensions"]\n}\n';
    const schema = (extensions: string) =>
      writeFile(
        project.schema,
        `${head}datasource db {\n  provider = "postgresql"\n  extensions = [${extensions}]\n}\n${thing}`,
      );
    await schema("citext");
    const first = await createMigrationSql(database, project, "init");
    assert.match(first.sql, /CREATE EXTENSION IF NOT EXISTS "citext";\n\n-- CreateTable/);
    assert.equal((await diffDrift(database, project, { applied: [] })).summary, "");
    await project.migration(first.name, first.sql);
    await chain();
    assert.equal((await devDiagnostic(database, project)).resetReason, undefined);
    assert.equal((await createMigrationSql(database, project, "x")).empty, true);
    await schema("citext, hstore");
    const next = await createMigrationSql(database, project, "hstore");
    assert.deepEqual(next.sql.match(/CREATE EXTENSION IF NOT EXISTS "\w+"/g), [
      'CREATE EXTENSION IF NOT EXISTS "hstore"',
    ]);
  });

  it("a history whose beginning cannot be replayed is refused with its reason, or warned of where that is configured", async () => {
    await project.migration("0_dump", `\\restrict abc\n${makeThing}`);
    await rows(database, `set role "app owner"; ${makeThing}`);
    await markApplied(database, project, "0_dump");
    await assert.rejects(
      preflight(request(), quiet),
      failsWith("REPLAY_FAILED", /first that fails is 0_dump:\n.*\\restrict/),
    );
    await project.migration("1_more", 'ALTER TABLE "Thing" ADD n int;');
    await project.models(thing.replace("@id", "@id\n  n  Int?"));
    const { migrated, verified } = await chain(request({ preflight: { drift: "warn" } }));
    assert.equal(migrated.applied.length, 1);
    assert.deepEqual(
      verified.findings.map(({ check, severity }) => [check, severity]),
      [["drift", "warning"]],
    );
  });

  it("a connection's schema has a history of its own", async () => {
    await project.migration("1_thing", makeThing);
    await apply(database, project, "1_thing");
    const other = { ...database, schema: "other" };
    const folder = await readMigrations(project.migrations);
    const history = await withClient(other, { applicationName: "test" }, (client) =>
      readHistory(client, { defaultSchema: "other" }),
    );
    assert.equal(compareHistory(folder, history).pending.length, 1);
  });

  it("a client is generated by the Prisma that the project has installed", async () => {
    const target = { environment: "local", project: { schema: project.schema, migrations: project.migrations } };
    const ours = await generatorFor(target);
    assert.match(ours.args[0] ?? "", /node_modules\/prisma\/build\/index\.js$/);

    await writeFile(
      project.schema,
      `datasource db {\n  provider = "postgresql"\n  url = env("DATABASE_URL")\n}\n${thing}`,
    );
    await assert.rejects(generatorFor(target), failsWith("NEEDS_OWN_PRISMA", /Prisma 6 or older/));

    const own = path.join(project.root, "node_modules/prisma");
    await mkdir(path.join(own, "build"), { recursive: true });
    await writeFile(path.join(own, "package.json"), '{ "name": "prisma", "version": "6.19.0" }');
    const said = path.join(project.root, "said.json");
    await writeFile(
      path.join(own, "build/index.js"),
      `require("fs").writeFileSync(${JSON.stringify(said)}, JSON.stringify([process.argv.slice(2), process.cwd(), process.env.DATABASE_URL, process.env.SAFE_MIGRATION_SCHEMA]));`,
    );
    await writeFile(path.join(project.root, "package.json"), "{}");
    const { command, args, env, cwd } = await generatorFor(target);
    assert.equal((await run(command, args, { env, cwd })).exitCode, 0);
    const [argv, folder, url, ourVariable] = JSON.parse(await readFile(said, "utf8")) as [
      string[],
      string,
      string,
      unknown,
    ];
    assert.deepEqual([argv, folder], [["generate", "--schema", project.schema], project.root]);
    assert.match(url, /generate_needs_no_database/);
    assert.equal(ourVariable, null);
  });
});
