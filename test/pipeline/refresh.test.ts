import assert from "node:assert/strict";
import { cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Database, type RefreshRequest, type RefreshResult, refreshRequest } from "../../pipeline/contracts.js";
import { type LocalCluster, databaseOf, ensureCluster } from "../../pipeline/local/cluster.js";
import { createDatabase, ensureRole } from "../../pipeline/local/role.js";
import { ensureSample, sampleBaseline } from "../../pipeline/local/sample.js";
import { silent } from "../../pipeline/log.js";
import { maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { writeAnew } from "../../pipeline/refresh/writeAnew.js";
import { backup } from "../../pipeline/stages/backup.js";
import { refresh } from "../../pipeline/stages/refresh.js";
import { restore } from "../../pipeline/stages/restore.js";
import { openStore } from "../../pipeline/store/open.js";
import { readRefreshed } from "../../pipeline/store/refreshed.js";
import { withEnvironment } from "../support/moto.js";
import { discard, fast, temporaryDirectory, testCluster } from "../support/postgres.js";
import { apply } from "../support/prismaProjects/apply.js";
import { requestOf } from "../support/stageRequest.js";
import { databasesLike, failsWith, maintain, query, quiet, recording, temporaryStore } from "./backupFixtures.js";

const root = resolve(__dirname, "../..");
const project = { schema: join(root, "prisma/schema.prisma"), migrations: join(root, "prisma/migrations") };
const owner = "shop";

/** Staging and prod on servers of their own, as they are on two hosts. */
describe("refresh: staging is given the data of prod's newest proved backup", function () {
  this.timeout(120_000);
  const name = "refreshed";
  const signal = new AbortController().signal;
  let prod: Database;
  let staging: Database;
  let cluster: LocalCluster | undefined;
  let stores: Record<"prod" | "staging", Awaited<ReturnType<typeof temporaryStore>>>;
  let shipped: string;

  before(async () => {
    const directory = await temporaryDirectory();
    const other = ensureCluster({ directory, settings: fast, log: silent, signal });
    stores = { prod: await temporaryStore(), staging: await temporaryStore() };
    prod = await (await testCluster()).create("refreshed_from", { owner });
    await ensureSample(prod, project, { users: 60, orders: 200, log: silent, signal });
    const { migrations } = await readMigrations(project.migrations);
    for (const migration of migrations.slice(0, -1).filter((each) => each.name > sampleBaseline))
      await apply(prod, project, migration.name);
    await query(prod, "UPDATE orders SET gift_message = 'Para Camila, con amor ' || id WHERE id <= 20");
    await maintain(prod, `ALTER DATABASE refreshed_from SET safe_migration.environment = 'prod'`);
    await take("plain");
    await query(prod, "SET ROLE shop; CREATE TABLE notes (id int PRIMARY KEY, body text, data jsonb, words text[])");
    await take("notes");
    shipped = await readFile(join(root, "prisma/anonymise.sql"), "utf8");
    cluster = await other;
    staging = databaseOf(cluster, name, owner);
  });
  beforeEach(async () => {
    await withClient({ ...staging, name: maintenanceDatabase }, { applicationName: "test" }, async (client) => {
      const { rows } = await client.query<{ datname: string }>(
        "SELECT datname FROM pg_database WHERE datname ~ '^refreshed'",
      );
      for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
      await ensureRole(client, cluster ?? assert.fail(), owner);
      await createDatabase(client, name, { owner });
    });
    await maintain(staging, `ALTER DATABASE ${name} OWNER TO ${owner}`);
    await maintain(staging, `ALTER DATABASE ${name} SET safe_migration.environment = 'staging'`);
    await query(staging, "CREATE TABLE of_staging AS SELECT 1 AS i");
  });
  after(async () => {
    if (cluster !== undefined) await discard(cluster.directory);
    for (const store of Object.values(stores)) await store.remove();
    await (await testCluster()).drop("refreshed_from");
  });

  /** A backup of prod, proved by a restore. */
  const take = async (run: string) => {
    const base = requestOf({ database: prod, project, store: stores.prod }, { environment: "prod", run });
    await backup(base, quiet);
    await restore({ ...base, backup: run, into: "refreshed_proof" }, quiet);
    await (await testCluster()).drop("refreshed_proof");
  };
  const asked = (sql: string, changes: object = {}): RefreshRequest =>
    refreshRequest.parse({
      ...requestOf(
        { database: staging, project, store: stores.staging },
        { environment: "staging", run: "refreshing" },
      ),
      source: { environment: "prod", store: stores.prod.url },
      anonymise: { file: "anonymise.sql", sql },
      maxAgeHours: 24,
      ...changes,
    });
  const assertUntouched = async () => {
    assert.deepEqual(await databasesLike(staging, name), [name]);
    assert.deepEqual(await query(staging, "SELECT i FROM of_staging"), [{ i: 1 }]);
  };
  const refused = async (request: RefreshRequest, code: string, message = /./) => {
    await assert.rejects(refresh(request, quiet), failsWith(code, message));
    await assertUntouched();
  };
  /** The database's own files, once they are written. */
  const filesOf = async (database: Database): Promise<Buffer> => {
    const [{ oid } = { oid: "" }] = await query<{ oid: string }>(
      database,
      "SELECT oid::text FROM pg_database WHERE datname = current_database()",
    );
    await maintain(database, "CHECKPOINT");
    const folder = join(cluster?.data ?? "", "base", oid);
    return Buffer.concat(await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file)))));
  };
  const people = "SELECT email FROM user_profiles ORDER BY email";

  it("has prod's rows and history, without a trace of the people in them, and stays staging's", async () => {
    const before = await query<{ email: string }>(prod, people);
    assert.equal(before.length, 60);
    const nobodyElse = `DO $$ BEGIN ASSERT NOT has_database_privilege('${owner}', current_database(), 'CONNECT'); END $$;`;
    const result: RefreshResult = await refresh(asked(`${shipped}\n${nobodyElse}`), quiet);
    assert.deepEqual([result.backup, result.source, result.rows > 600], ["notes", "prod", true]);
    assert.deepEqual([result.anonymised?.columns.length, result.notAnonymised], [10, undefined]);
    assert.ok((result.anonymised?.values ?? 0) > 300 && (result.anonymised?.searched ?? 0) > 10);
    const after = await query<{ email: string }>(staging, people);
    assert.equal(new Set(after.map(({ email }) => email)).size, 60);
    assert.ok(after.every(({ email }) => email.endsWith("@anonymised.invalid")));
    assert.deepEqual(
      await query(staging, "SELECT count(*)::int, sum(total) FROM orders"),
      await query(prod, "SELECT count(*)::int, sum(total) FROM orders"),
    );
    const { migrations } = await readMigrations(project.migrations);
    assert.deepEqual(
      result.pending,
      migrations.slice(-1).map((migration) => migration.name),
    );
    assert.equal(result.applied, migrations.length - 1);
    const noted = await readRefreshed(openStore(stores.staging.url), "staging");
    assert.deepEqual(
      noted?.applied,
      migrations.slice(0, -1).map(({ name, checksum }) => ({ name, checksum })),
    );
    const mark = "SELECT current_setting('safe_migration.environment') AS mark, pg_get_userbyid(datdba) AS owner";
    assert.deepEqual(await query(staging, `${mark} FROM pg_database WHERE datname = current_database()`), [
      { mark: "staging", owner },
    ]);
    assert.deepEqual(await query({ ...staging, name: result.kept }, "SELECT i FROM of_staging"), [{ i: 1 }]);
    // Neither statistics nor dead rows: nothing in the database's own files.
    const all = await filesOf(staging);
    assert.ok(all.includes("@anonymised.invalid"), "these are the files");
    for (const { email } of before) assert.ok(!all.includes(email), email);
    await maintain(staging, result.dropKept);
  });

  it("keeps nothing in statistics and dead rows either, of tables that are empty now among them, whoever connects", async () => {
    const emails = (await query<{ email: string }>(prod, people)).map(({ email }) => email);
    const declares = shipped.split("\n").filter((line) => line.startsWith("-- anonymises"));
    const emptied = `${declares.join("\n")}\nTRUNCATE user_profiles CASCADE;\n`;
    // As on RDS: no superuser, and a member of the role that owns the database.
    await maintain(staging, "CREATE ROLE staging_admin LOGIN CREATEDB CREATEROLE PASSWORD 'of the admin' IN ROLE shop");
    const password = { from: "environment", variable: "STAGING_ADMIN_PASSWORD" } as const;
    const restoreEnvironment = withEnvironment({ STAGING_ADMIN_PASSWORD: "of the admin" });
    try {
      for (const user of [staging.user, "staging_admin"]) {
        for (const sql of [shipped, emptied]) {
          const database = user === staging.user ? staging : { ...staging, user, password };
          const { kept } = await refresh(asked(sql, { database }), quiet);
          const [found] = await query<{ stats: string; columns: number }>(
            staging,
            `SELECT count(*)::int AS columns, coalesce(string_agg(concat_ws(' ', most_common_vals, histogram_bounds), ' '), '') AS stats
             FROM pg_stats WHERE schemaname = 'public'`,
          );
          assert.ok((found?.columns ?? 0) > 10, "there are statistics");
          const files = await filesOf(staging);
          for (const email of emails)
            assert.ok(!found?.stats.includes(email) && !files.includes(email), `${user}: ${email}`);
          await maintain(staging, `DROP DATABASE ${kept}`);
        }
      }
      // What one may not VACUUM, PostgreSQL passes over with a warning.
      await assert.rejects(
        writeAnew({ ...staging, user: "staging_admin", password, migrateAs: "staging_admin", name: "postgres" }, quiet),
        failsWith("NOT_WRITTEN_ANEW", /"staging_admin" may not write anew pg_catalog\.pg_statistic, /),
      );
    } finally {
      restoreEnvironment();
    }
  });

  it("is refused where a value is left in its column, in another one, in JSON or in a list; names no value", async () => {
    const all = "-- anonymises: user_profiles.email\nUPDATE user_profiles SET email = id || '@x.invalid'";
    await refused(
      asked(`${all} WHERE email <> 'cliente7@example.com';`),
      "NOT_ANONYMISED",
      /^anonymise\.sql leaves values of the original behind: public\.user_profiles\.email still holds 1 value that it held before\.$/,
    );
    const note = (values: string) => `INSERT INTO notes VALUES (${values});\n${all};`;
    const held = "(SELECT email FROM user_profiles ORDER BY email LIMIT 1)";
    const holds = (column: string) =>
      new RegExp(`public\\.notes\\.${column} holds 1 value of public\\.user_profiles\\.email\\.$`);
    await refused(asked(note(`1, ${held}`)), "NOT_ANONYMISED", holds("body"));
    const json = `1, NULL, jsonb_build_object('to', jsonb_build_array('x', ${held}))`;
    await refused(asked(note(json)), "NOT_ANONYMISED", holds("data"));
    await refused(asked(note(`1, NULL, NULL, ARRAY['x', ${held}]`)), "NOT_ANONYMISED", holds("words"));
    const allowed = await refresh(asked(`-- keeps: notes.words\n${note(`1, NULL, NULL, ARRAY[${held}]`)}`), quiet);
    assert.equal(allowed.anonymised?.columns.join(), "public.user_profiles.email");
  });

  it("is refused where the file declares nothing, a column that is not there, fails, or changes the schema", async () => {
    const declared = "-- anonymises: user_profiles.email\n";
    await refused(asked("UPDATE user_profiles SET email = id::text;"), "ANONYMISE_FILE", /declares no column/);
    await refused(asked("-- anonymises: email\n"), "ANONYMISE_FILE", /line 1: .* names of columns/);
    await refused(asked("-- anonymises: users.email\n"), "ANONYMISE_COLUMN", /line 1: .* no column users\.email/);
    await refused(
      asked(`${declared}UPDATE user_profiles SET emial = '';`),
      "ANONYMISE_FAILED",
      /line 2, column 26 fails/,
    );
    const quoting = `${declared}SELECT email::int FROM user_profiles;`;
    await refused(asked(quoting), "ANONYMISE_FAILED", /fails: a value does not fit its type \(SQLSTATE 22P02\)$/);
    await refused(
      asked(`${declared}ALTER TABLE user_profiles DROP COLUMN phone;`),
      "ANONYMISE_SCHEMA",
      /phone is missing/,
    );
    // It runs as the role that owns the tables, and is no superuser.
    await refused(asked(`${declared}SELECT pg_read_file('/etc/hostname');`), "ANONYMISE_FAILED", /permission denied/);
  });

  it("takes data as it is only where a reason is given, which is recorded", async () => {
    const { context, lines } = recording();
    const result = await refresh(asked("", { anonymise: { notBecause: "only test accounts" } }), context);
    assert.deepEqual([result.notAnonymised, result.anonymised], ["only test accounts", undefined]);
    assert.ok(lines.includes("the data is not anonymised: only test accounts"));
    assert.deepEqual(await query(staging, people), await query(prod, people));
    assert.ok(!refreshRequest.safeParse({ ...asked(""), anonymise: { notBecause: " " } }).success);
  });

  it("never goes into prod, nor into a database that is not known to be the environment's", async () => {
    await refused(asked(shipped, { environment: "prod" }), "REFRESH_TARGET", /"prod" is never refreshed/);
    await refused(asked(shipped, { source: { environment: "staging", store: stores.prod.url } }), "REFRESH_TARGET");
    await maintain(staging, `ALTER DATABASE ${name} SET safe_migration.environment = 'prod'`);
    await refused(asked(shipped), "WRONG_ENVIRONMENT");
    await maintain(staging, `ALTER DATABASE ${name} RESET safe_migration.environment`);
    await refused(asked(shipped), "NO_MARK");
    await maintain(prod, `ALTER DATABASE refreshed_from SET safe_migration.environment = 'staging'`);
    const before = await query(prod, people);
    await assert.rejects(refresh(asked(shipped, { database: prod }), quiet), failsWith("SAME_SERVER"));
    assert.deepEqual(await query(prod, people), before);
    await maintain(prod, `ALTER DATABASE refreshed_from SET safe_migration.environment = 'prod'`);
  });

  it("is the one way in: a backup of prod that was put into staging's store is not restored there", async () => {
    const to = join(stores.staging.root, "staging/plain");
    await cp(join(stores.prod.root, "prod/plain"), to, { recursive: true });
    const request = { ...asked(shipped), backup: "plain" };
    await assert.rejects(restore(request, quiet), failsWith("BACKUP_DAMAGED", /it is the manifest of prod\/plain/));
    await rm(to, { recursive: true });
    await assertUntouched();
  });

  it("takes only a backup that was proved, is whole and not too old; passes over a newer one that was not", async () => {
    await refused(asked(shipped, { source: { environment: "prod", store: stores.staging.url } }), "SOURCE_UNPROVED");
    await refused(asked(shipped, { maxAgeHours: 1e-9 }), "SOURCE_OLD", /made 0 hours ago/);
    const proof = join(stores.prod.root, "prod/notes/proved.json");
    const text = await readFile(proof, "utf8");
    await rm(proof);
    assert.equal((await refresh(asked(shipped), quiet)).backup, "plain");
    await writeFile(proof, text);
    const dump = join(stores.prod.root, "prod/notes/dump/toc.dat");
    const toc = await readFile(dump);
    await writeFile(dump, Buffer.concat([toc, Buffer.from("x")]));
    await maintain(staging, `ALTER DATABASE ${name} SET work_mem = '8MB'`);
    await assert.rejects(refresh(asked(shipped), quiet), failsWith("BACKUP_DAMAGED", /toc\.dat/));
    await writeFile(dump, toc);
  });
});
