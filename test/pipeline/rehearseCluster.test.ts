import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BackupResult, Database, RehearseResult, StageRequest } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { testCluster } from "../support/postgres.js";
import { type TestProject } from "../support/prismaProjects/write.js";
import { type BackedUpProject, backedUpProject } from "./backedUpProject.js";
import { databasesLike, failsWith, maintain, query, quiet, recording } from "./backupFixtures.js";

describe("rehearse: migrations that change the whole cluster", function () {
  this.timeout(120_000);
  const name = "rehearsed_cluster";
  const owner = "shop_roles";
  const roles = ["rehearsed_reader", "rehearsed_hidden"];
  let database: Database;
  let superuser: Database;
  let start: BackedUpProject;
  let project: TestProject;
  let base: StageRequest;
  let made: BackupResult;

  beforeEach(async () => {
    start = await backedUpProject(
      name,
      "CREATE TABLE users (id int PRIMARY KEY, phone text, n int DEFAULT 1); INSERT INTO users SELECT i, i FROM generate_series(1, 9) i;",
      { owner },
    );
    ({ database, project, base, made } = start);
    superuser = (await testCluster()).database(name);
    await maintain(superuser, `ALTER ROLE ${owner} CREATEROLE`);
  });
  afterEach(async () => {
    await start.remove();
    for (const role of roles) await maintain(superuser, `DROP ROLE IF EXISTS ${role}`);
  });
  after(async () => {
    await maintain(superuser, `DROP ROLE IF EXISTS ${owner}`);
  });

  const rolesThere = () => maintain(superuser, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'rehearsed\\_%'");
  const proved = async (lines: string[] = []): Promise<Extract<RehearseResult, { verdict: "proved" }>> => {
    const recorded = recording();
    const result = await rehearse({ ...base, backup: made }, recorded.context);
    lines.push(...recorded.lines);
    assert.ok(result.verdict === "proved");
    assert.deepEqual(await rolesThere(), [], "the rehearsal leaves no role");
    assert.deepEqual(await databasesLike(database, name), [name], "no copy is left");
    return result;
  };
  const migrated = async (rehearsal: RehearseResult) =>
    (await migrate({ ...base, backup: made, rehearsal }, quiet)).applied.map((one) => one.name);

  it("CREATE ROLE and GRANT are undone, and migrate then makes the role; what comes after is compared, too", async () => {
    await project.migration("2_before", "ALTER TABLE users ADD COLUMN nick text;");
    await writeFile(join(project.migrations, "2_before", "down.sql"), "ALTER TABLE users DROP COLUMN nick;");
    await project.migration(
      "3_reader",
      "-- changes: users.phone\nCREATE ROLE rehearsed_reader;\nGRANT rehearsed_reader TO CURRENT_USER;\nGRANT SELECT ON users TO rehearsed_reader;\nUPDATE users SET phone = '+' || phone WHERE id < 4;",
    );
    await writeFile(
      join(project.migrations, "3_reader", "down.sql"),
      "DROP OWNED BY rehearsed_reader; DROP ROLE rehearsed_reader;",
    );
    await project.migration("4_index", "CREATE INDEX CONCURRENTLY phones ON users (phone);");
    await project.migration(
      "5_owned",
      "-- drops: users.phone\nSET ROLE rehearsed_reader; SELECT count(*) FROM users; RESET ROLE;\nALTER TABLE users ALTER COLUMN id TYPE text, DROP COLUMN phone; CREATE TEMP TABLE before_1 ();",
    );
    const lines: string[] = [];
    const result = await proved(lines);
    const reasons = result.migrations.map(({ notCommitted }) => notCommitted?.reason);
    const rolledBack = "rehearsed in a transaction that was rolled back, as";
    assert.deepEqual(reasons, [
      undefined,
      `${rolledBack} it changes the whole cluster: CREATE ROLE at line 2, GRANT of a role at line 3`,
      "not run in the rehearsal, as it cannot be tried in a transaction that is rolled back: CREATE INDEX CONCURRENTLY at line 1",
      `${rolledBack} 3_reader, before it, changes the whole cluster`,
    ]);
    assert.deepEqual(
      result.migrations.map(({ changes, down }) => [changes, down?.verdict]),
      [
        [[], "proved"],
        [["public.users.phone: values changed in 3 rows"], "untried"],
        [[], "untried"],
        [["public.users.phone: dropped with values in 9 rows"], "untried"],
      ],
    );
    assert.ok(
      lines.some((line) =>
        line.includes(`3_reader: ${rolledBack} it changes the whole cluster: CREATE ROLE at line 2`),
      ),
    );
    assert.match(
      result.summary,
      /3 migration\(s\) applied.*rolled back: 3_reader, 5_owned, not run in the rehearsal: 4_index/,
    );
    assert.deepEqual(await migrated(result), ["2_before", "3_reader", "4_index", "5_owned"]);
    assert.deepEqual(await rolesThere(), [{ rolname: "rehearsed_reader" }]);
  });

  for (const [how, sql] of [
    ["in a DO block", "DO $$ BEGIN EXECUTE 'CREATE ROLE ' || 'rehearsed_hidden'; END $$;"],
    [
      "without a transaction",
      "-- no-transaction\nDO $$ BEGIN EXECUTE 'CREATE ROLE rehearsed_hidden'; END $$;\nSELECT 1;",
    ],
  ] as const)
    it(`a CREATE ROLE that hides ${how} is seen before it is committed`, async () => {
      await project.migration("2_hidden", sql);
      const result = await proved();
      assert.match(
        result.migrations[0]?.notCommitted?.reason ?? "",
        /rolled back, as it changes the whole cluster: in a DO block or a function, it writes to pg_authid/,
      );
      assert.deepEqual(await migrated(result), ["2_hidden"]);
      assert.deepEqual(await rolesThere(), [{ rolname: "rehearsed_hidden" }]);
    });

  it("rights on the database itself are seen where a DO block hides them; an ordinary migration is committed", async () => {
    await project.migration(
      "2_plain",
      "CREATE TABLE t (id int); GRANT SELECT ON t TO PUBLIC; COMMENT ON TABLE t IS 'x';",
    );
    await project.migration(
      "3_right",
      `DO $$ BEGIN EXECUTE 'GRANT TEMPORARY ON DATABASE ${name} TO ${owner}'; END $$;`,
    );
    const result = await proved();
    assert.equal(result.migrations[0]?.notCommitted, undefined);
    assert.match(result.migrations[1]?.notCommitted?.reason ?? "", /writes to pg_database/);
  });

  it("DROP ROLE is left out where only the original has what depends on the role, and fails where the copy has, too", async () => {
    await maintain(superuser, "CREATE ROLE rehearsed_reader");
    await query(
      superuser,
      `GRANT rehearsed_reader TO ${owner} WITH ADMIN OPTION; GRANT SELECT ON users TO rehearsed_reader`,
    );
    made = await backup(base, quiet);
    await project.migration("2_drop", "DROP ROLE rehearsed_reader;");
    await assert.rejects(
      rehearse({ ...base, backup: made }, quiet),
      failsWith("REHEARSAL_FAILED", /cannot be dropped/),
    );
    await project.migration("2_drop", "REVOKE SELECT ON users FROM rehearsed_reader;\nDROP ROLE rehearsed_reader;");
    const result = await rehearse({ ...base, backup: made }, quiet);
    assert.ok(result.verdict === "proved");
    assert.match(result.migrations[0]?.notCommitted?.reason ?? "", /DROP ROLE at line 2 left out/);
    assert.deepEqual(await migrated(result), ["2_drop"]);
    assert.deepEqual(await rolesThere(), []);
  });

  it("still ends the run where data is lost, or the statement fails", async () => {
    await project.migration(
      "2_loses",
      "CREATE ROLE rehearsed_reader;\nPREPARE p AS UPDATE users SET phone = 'x'; EXECUTE p;\nALTER TABLE users ALTER n DROP DEFAULT, ALTER n TYPE date USING DATE '2020-01-01' + n;",
    );
    await assert.rejects(
      rehearse({ ...base, backup: made }, quiet),
      failsWith("UNDECLARED_LOSS", /users\.phone: values changed in 9 rows\n.*users\.n: values changed in 9 rows/),
    );
    await project.migration("2_loses", `CREATE ROLE ${owner};`);
    await assert.rejects(rehearse({ ...base, backup: made }, quiet), failsWith("REHEARSAL_FAILED", /already exists/));
    await project.migration("2_loses", "-- no-transaction\nBEGIN;\nCREATE ROLE rehearsed_reader;\nCOMMIT;");
    await assert.rejects(rehearse({ ...base, backup: made }, quiet), failsWith("REHEARSAL_NOT_POSSIBLE", /at line 3/));
    assert.deepEqual(await rolesThere(), []);
  });

  it("a down.sql that changes the cluster is not run; nor is ALTER SYSTEM, which no transaction undoes", async () => {
    await maintain(superuser, "CREATE ROLE rehearsed_hidden");
    await project.migration("2_plain", "CREATE TABLE t (id int);");
    await writeFile(
      join(project.migrations, "2_plain", "down.sql"),
      "DROP TABLE t; DO $$ BEGIN DROP ROLE rehearsed_hidden; END $$;",
    );
    await project.migration("3_system", "ALTER SYSTEM SET vacuum_cost_limit = 777;");
    const result = await rehearse({ ...base, database: superuser, backup: made }, quiet);
    assert.ok(result.verdict === "proved");
    assert.deepEqual(result.migrations[0]?.down?.problems, [
      "not run in the rehearsal, as it changes the whole cluster: pg_authid",
    ]);
    assert.equal(result.migrations[1]?.notCommitted?.tried, false);
    assert.match(result.migrations[1].notCommitted.reason, /^not run in the rehearsal.*: ALTER SYSTEM at line 1$/);
    assert.deepEqual(await rolesThere(), [{ rolname: "rehearsed_hidden" }]);
    assert.deepEqual(await query(superuser, "SELECT name FROM pg_file_settings WHERE name = 'vacuum_cost_limit'"), []);
  });
});
