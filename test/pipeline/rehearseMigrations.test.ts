import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BackupResult, Database, RehearseResult, StageRequest } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { describeWayBack } from "../../pipeline/rehearsal/describeBack.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { type TestProject } from "../support/prismaProjects/write.js";
import { type BackedUpProject, backedUpProject } from "./backedUpProject.js";
import { databasesLike, failsWith, query, quiet, recording } from "./backupFixtures.js";

const init = `
CREATE TYPE role AS ENUM ('USER', 'ADMIN');
CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL, phone varchar(20), born timestamp, role role NOT NULL, notes json);
CREATE TABLE "Order" (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  total numeric(12,2) NOT NULL, updated_at timestamptz(3) NOT NULL DEFAULT now());
CREATE TABLE log (at int, text text);
CREATE TABLE empty (id int PRIMARY KEY, spare text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := '2030-01-01'; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON "Order" FOR EACH ROW EXECUTE FUNCTION touch();`;
const fill = `
INSERT INTO users (email, phone, born, role, notes)
  SELECT 'secret' || i || '@example.org', CASE WHEN i <= 7 THEN '+57 300 ' || i END, '2020-01-01 00:00:00.123456', 'USER', '{"a":  1}'
  FROM generate_series(1, 20) i;
INSERT INTO "Order" (id, user_id, total) SELECT i, 1 + i % 20, i + CASE WHEN i <= 5 THEN 0.5 ELSE 0 END FROM generate_series(1, 40) i;
INSERT INTO log SELECT i, 'line ' || i FROM generate_series(1, 30) i;
SELECT lo_from_bytea(4711, 'photo'), lo_from_bytea(4712, 'photo');
ALTER LARGE OBJECT 4711 OWNER TO shop; ALTER LARGE OBJECT 4712 OWNER TO shop;`;

describe("rehearse: pending migrations on the restored copy", function () {
  this.timeout(120_000);
  const name = "rehearsed_migrations";
  let database: Database;
  let start: BackedUpProject;
  let project: TestProject;
  let base: StageRequest;
  let made: BackupResult;
  const next = "2_next";

  before(async () => {
    start = await backedUpProject(name, init, { fill });
    ({ database, project, base, made } = start);
  });
  after(() => start.remove());
  afterEach(async () => {
    await project.withdraw(next);
    assert.deepEqual(await databasesLike(database, name), [name], "no copy is left");
    const [seen] = await query(
      database,
      `SELECT (SELECT sum(total) FROM "Order")::text AS total, (SELECT count(phone)::int FROM users) AS phones,
         (SELECT count(*)::int FROM log) AS lines, to_regclass('empty') IS NOT NULL AS empty`,
    );
    assert.deepEqual(seen, { total: "822.50", phones: 7, lines: 30, empty: true }, "the database is untouched");
  });

  const run = async (sql: string, context = quiet): Promise<RehearseResult> => {
    await project.migration(next, sql);
    return rehearse({ ...base, backup: made }, context);
  };
  /** What the one pending migration was seen to do as it declared. */
  const changesOf = async (sql: string): Promise<readonly string[]> => {
    const result = await run(sql);
    assert.equal(result.verdict, "proved");
    return result.migrations[0]?.changes ?? ["nothing was rehearsed"];
  };
  const refused = async (sql: string, ...lines: string[]) => {
    const { context, lines: log } = recording();
    await assert.rejects(run(sql, context), (error: unknown) => {
      assert.ok(error instanceof PipelineError, String(error));
      assert.equal(error.code, "UNDECLARED_LOSS", error.message);
      assert.equal(error.kind, "refused");
      assert.deepEqual(error.message.split("\n").slice(1).sort(), lines.map((line) => `  ${line}`).sort());
      assert.ok(![...log, error.message, error.next].join("\n").includes("secret"), "no value is told");
      return true;
    });
  };

  describe("stops what loses data and does not say so, with table, column and number of rows", () => {
    it("an UPDATE, with what its trigger does besides", () =>
      refused(
        `UPDATE "Order" SET total = total + 1 WHERE id <= 12;`,
        "public.Order.total: values changed in 12 rows",
        "public.Order.updated_at: values changed in 12 rows",
      ));

    it("a value of an enum that gets another name, which PostgreSQL counts as no write to any table", async () => {
      const rename = "ALTER TYPE role RENAME VALUE 'USER' TO 'MEMBER';";
      await refused(rename, "public.users.role: values changed in 20 rows");
      assert.deepEqual(await changesOf(`-- changes: users.role\n${rename}`), [
        "public.users.role: values changed in 20 rows",
      ]);
      assert.deepEqual(await changesOf("ALTER TYPE role ADD VALUE 'GUEST' BEFORE 'USER';"), []);
    });

    it("a shortened type, and only the rows that lose", async () => {
      await refused(
        `ALTER TABLE "Order" ALTER COLUMN total TYPE numeric(12,0);`,
        "public.Order.total: values changed in 5 rows",
      );
      await refused(
        `ALTER TABLE users ALTER COLUMN phone TYPE varchar(3) USING left(phone, 3), ALTER COLUMN born TYPE timestamp(3);`,
        "public.users.phone: values changed in 7 rows",
        "public.users.born: values changed in 20 rows",
      );
    });

    it("a dropped column with values, a dropped table with rows", () =>
      refused(
        `ALTER TABLE users DROP COLUMN phone; ALTER TABLE empty DROP COLUMN spare; DROP TABLE log;`,
        "public.users.phone: dropped with values in 7 rows",
        "public.log: dropped with 30 rows",
      ));

    it("deleted rows, by a cascade too, and a truncated table", () =>
      refused(
        `DELETE FROM users WHERE id = 1; TRUNCATE log;`,
        "public.users: 1 row deleted",
        "public.Order: 2 rows deleted",
        "public.log: 30 rows deleted",
      ));

    it("what is written in a DO block, in a table without a key", () =>
      refused(
        `DO $$ BEGIN EXECUTE 'UPDATE ' || 'log' || ' SET text = upper(text) WHERE at <= 4'; END $$;`,
        "public.log.text: values changed in 4 rows",
      ));

    it("values that rows exchange, whose number is known only for the whole row where there is no key", () =>
      refused(
        `UPDATE log a SET text = b.text FROM log b WHERE (a.at, b.at) IN ((1, 2), (2, 1));`,
        "public.log.at: values changed in 2 rows",
        "public.log.text: values changed in 2 rows",
      ));

    it("a sequence that is set back, or that another takes the place of", async () => {
      const behind = "public.users_id_seq.last_value: values changed in 1 row";
      await refused("SELECT setval('users_id_seq', 5);", behind);
      await refused(
        `ALTER TABLE users ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE users_id_seq;
         ALTER TABLE users ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;`,
        behind,
      );
    });

    it("large objects, one that is gone and one that is written to", () =>
      refused(
        "SELECT lo_unlink(4711), lo_put(4712, 0, 'P'), lo_from_bytea(0, 'new');",
        "pg_catalog.pg_largeobject: 1 row deleted",
        "pg_catalog.pg_largeobject.data: values changed in 1 row",
      ));

    it("statements that run one by one, without a transaction", () =>
      refused(
        `-- no-transaction\nALTER TABLE users DROP COLUMN phone;\nSELECT 1;`,
        "public.users.phone: dropped with values in 7 rows",
      ));
  });

  it("lets through what is declared, and says what was declared and did not happen", async () => {
    const { context, lines } = recording();
    const result = await run(
      `-- changes: "Order".*, log.text\n-- drops: users.phone\n-- deletes: public.log
       UPDATE "Order" SET total = 0; ALTER TABLE users DROP COLUMN phone; DELETE FROM log WHERE at > 20;`,
      context,
    );
    assert.equal(result.verdict, "proved");
    assert.deepEqual(result.migrations[0]?.changes.toSorted(), [
      "public.Order.total: values changed in 40 rows",
      "public.Order.updated_at: values changed in 40 rows",
      "public.log: 10 rows deleted",
      "public.users.phone: dropped with values in 7 rows",
    ]);
    assert.deepEqual(result.migrations[0]?.unused, ["changes: log.text"]);
    assert.ok(lines.some((line) => /2_next, line 1: -- changes: log\.text declares what did not happen/.test(line)));
  });

  describe("needs no declaration for what keeps every value", () => {
    it("renamed columns and tables, wider types, another enum with the same labels, rows and columns that are new", async () => {
      const sql = `
ALTER TABLE users RENAME TO people; ALTER TABLE people RENAME COLUMN phone TO mobile;
ALTER TABLE people ALTER COLUMN mobile TYPE text, ALTER COLUMN born TYPE timestamptz, ALTER COLUMN notes TYPE jsonb USING notes::jsonb;
ALTER TABLE "Order" ALTER COLUMN id TYPE bigint, ALTER COLUMN total TYPE numeric(14,4);
CREATE TYPE role_new AS ENUM ('ADMIN', 'USER', 'GUEST');
ALTER TABLE people ALTER COLUMN role TYPE role_new USING role::text::role_new;
DROP TYPE role; ALTER TYPE role_new RENAME TO role;
ALTER TABLE log ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(); INSERT INTO log VALUES (99, 'new');
ALTER TABLE empty DROP COLUMN spare;`;
      const result = await run(sql);
      assert.equal(result.verdict, "proved");
      const [migration] = result.migrations;
      assert.deepEqual(migration?.changes, []);
      assert.deepEqual(migration.rewrites.toSorted(), ["public.Order", "public.log", "public.users"]);
      assert.ok(migration.locks.includes("public.Order AccessExclusiveLock"));
      assert.match(result.summary, /1 migration\(s\) applied to it in [\d.]+ s, every value kept/);
    });

    it("numbers that are handed out, and a sequence that begins anew with its table", async () => {
      const fresh = "INSERT INTO users (email, role) VALUES ('new', 'USER'); SELECT lo_from_bytea(0, 'new');";
      assert.deepEqual(await changesOf(fresh), []);
      assert.deepEqual(
        (await changesOf(`-- deletes: users, "Order"\nTRUNCATE users RESTART IDENTITY CASCADE;`)).toSorted(),
        ["public.Order: 40 rows deleted", "public.users: 20 rows deleted"],
      );
    });

    it("an index that is built without a transaction", async () =>
      assert.deepEqual(await changesOf("CREATE INDEX CONCURRENTLY users_email ON users (email);"), []));
  });

  describe("runs down.sql", () => {
    const withDown = async (
      sql: string,
      down: string,
      settings: Partial<StageRequest["settings"]["rehearse"]> = {},
    ) => {
      await project.migration(next, sql);
      await writeFile(join(project.migrations, next, "down.sql"), down);
      const rehearsing = { ...base.settings.rehearse, ...settings };
      const { context, lines } = recording();
      const result = await rehearse(
        { ...base, settings: { ...base.settings, rehearse: rehearsing }, backup: made },
        context,
      );
      assert.equal(result.verdict, "proved");
      return { down: result.migrations[0]?.down, summary: result.summary, lines };
    };
    const forward = `ALTER TABLE users ADD COLUMN nick text DEFAULT 'x' CHECK (nick <> ''); CREATE INDEX nicks ON users (nick);
COMMENT ON COLUMN users.nick IS 'short'; CREATE TABLE extra (id int); INSERT INTO extra VALUES (1);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT SELECT ON log TO PUBLIC; ALTER TYPE role RENAME VALUE 'ADMIN' TO 'ROOT';`;
    const back = `ALTER TYPE role RENAME VALUE 'ROOT' TO 'ADMIN'; REVOKE SELECT ON log FROM PUBLIC; DROP FUNCTION f();
DROP TABLE extra; ALTER TABLE users DROP COLUMN nick;`;

    it("and proves that it leads back to the schema before, with all data; then forward once more", async () => {
      const { down, summary } = await withDown(forward, back);
      assert.equal(down?.verdict, "proved");
      assert.match(summary, /1 way\(s\) back proved/);
    });

    it("and tells what does not come back of what the migration itself drops", async () => {
      const { down, lines } = await withDown(
        "-- drops: users.phone\nALTER TABLE users DROP COLUMN phone;",
        "ALTER TABLE users ADD COLUMN phone varchar(20);",
      );
      assert.equal(down?.verdict, "proved");
      assert.ok(
        lines.some((line) => /does not bring back: public\.users\.phone: dropped with values in 7 rows/.test(line)),
      );
    });

    for (const [what, down, problem] of [
      ["leaves something behind", back.replace("DROP FUNCTION f();", ""), /function public\.f\(\) is left/],
      [
        "leaves a right behind",
        back.replace("REVOKE SELECT ON log FROM PUBLIC;", ""),
        /table public\.log is not as it was/,
      ],
      ["fails", back.replace("extra", "exrta"), /fails: table "exrta" does not exist/],
      [
        "takes what was there before",
        `${back} ALTER TABLE users DROP COLUMN phone;`,
        /column public\.users\.phone is missing[^]*loses what was there before the migration: public\.users\.phone: dropped with values in 7 rows/,
      ],
      [
        "sets a sequence back",
        `${back} SELECT setval('users_id_seq', 1);`,
        /loses what was there before the migration: public\.users_id_seq\.last_value: values changed/,
      ],
      [
        "changes what was there before",
        `${back} UPDATE log SET text = '' WHERE at < 4;`,
        /loses what was there before the migration: public\.log\.text: values changed in 3 rows/,
      ],
    ] as const)
      it(`and refuses one that ${what}`, () =>
        assert.rejects(withDown(forward, down), failsWith("WRONG_DOWN", problem)));

    it("and only warns where it is told so", async () => {
      const { down, lines } = await withDown(forward, "SELECT 1;", { down: "warn" });
      assert.equal(down?.verdict, "wrong");
      assert.ok(down.problems.some((problem) => problem === "column public.users.nick is left"));
      const byPrisma = lines.find((line) => line.includes("by Prisma's diff, this is still to be done")) ?? "";
      assert.match(byPrisma, /ALTER TABLE "users" DROP COLUMN "nick"; .*DROP TABLE "extra"/);
      assert.ok(lines.some((line) => /2_next\/down\.sql: .* is left/.test(line)));
    });

    it("and says where there is none", async () => {
      const { context, lines } = recording();
      const result = await run("CREATE TABLE extra (id int);", context);
      assert.equal(result.verdict, "proved");
      assert.equal(result.migrations[0]?.down?.verdict, "absent");
      assert.match(result.summary, /way back not proved: 2_next \(it has no down\.sql\)/);
      assert.ok(lines.some((line) => /2_next has no down\.sql: the only way back is to restore/.test(line)));
    });

    it("and says of each migration whether its way back is proved, also of those behind a down.sql of comments only", async () => {
      const column = (name: string) => `ALTER TABLE users ADD COLUMN ${name} int;`;
      const drop = (name: string) => `ALTER TABLE users DROP COLUMN ${name};`;
      const downs = [drop("a"), "-- There is no way back:\n/* what it fills was not there */\n", drop("c")];
      for (const [at, name] of ["2_next", "3_none", "4_last"].entries()) {
        await project.migration(name, column("abc".charAt(at)));
        await writeFile(join(project.migrations, name, "down.sql"), downs[at] ?? "");
      }
      const { context, lines } = recording();
      const result = await rehearse({ ...base, backup: made }, context);
      for (const name of ["3_none", "4_last"]) await project.withdraw(name);
      assert.equal(result.verdict, "proved");
      assert.deepEqual(
        result.migrations.map(({ down }) => down?.verdict),
        ["untried", "absent", "proved"],
      );
      const bare = /has a down\.sql with comments and no statement in it, by which its author says/;
      assert.match(result.migrations[1]?.down?.problems.join() ?? "", bare);
      const [first, second, last] = result.migrations.map((one) => describeWayBack(one));
      assert.match(
        first ?? "",
        /^Way back not proved: not tried, as nothing leads back over 3_none: it has a down\.sql/,
      );
      assert.match(second ?? "", /^Way back not proved: it has a down\.sql with comments/);
      assert.match(last ?? "", /^Way back proved: .* with all data$/);
      assert.match(
        result.summary,
        /1 way\(s\) back proved, way back not proved: 2_next \(not tried.*\), way back not proved: 3_none/,
      );
      assert.ok(
        lines.some((line) => /^2_next: no way back .* it was not tried, as nothing leads back over 3_none/.test(line)),
      );
    });
  });

  it("tells at once what several migrations lose undeclared, and what one after them then fails on", async () => {
    const [later, last] = ["3_later", "4_last"];
    await project.migration(later, `DROP TABLE log;`);
    const both = [
      /^2_next changes or loses .*\n {2}public\.users\.phone: dropped with values in 7 rows$/m,
      /^3_later changes or loses .*\n {2}public\.log: dropped with 30 rows$/m,
    ];
    const refused = async (): Promise<PipelineError> => {
      try {
        await run("ALTER TABLE users DROP COLUMN phone;");
      } catch (error) {
        assert.ok(error instanceof PipelineError && error.code === "UNDECLARED_LOSS", String(error));
        for (const one of both) assert.match(error.message, one);
        return error;
      }
      throw new assert.AssertionError({ message: "it was let through" });
    };
    try {
      const { message, next: todo } = await refused();
      assert.match(
        todo,
        /\n {2}in 2_next\/migration\.sql: -- drops: public\.users\.phone\n {2}in 3_later\/.*public\.log\n/,
      );
      assert.doesNotMatch(message, /not looked at/);
      await project.migration(last, "SELECT phone FROM users;");
      assert.match((await refused()).message, /^What comes after was not looked at: 4_last fails .*phone/m);
    } finally {
      await project.withdraw(later);
      await project.withdraw(last);
    }
  });

  it("stops a migration that fails on the data, and one whose declaration cannot be read, which is told", async () => {
    await assert.rejects(
      run("SELECT 1;\nALTER TABLE users ALTER COLUMN phone SET NOT NULL;"),
      failsWith("REHEARSAL_FAILED", /2_next fails on the restored copy: .*contains null values/),
    );
    const meant = "-- drops: users phone\nALTER TABLE users DROP COLUMN phone;";
    await assert.rejects(
      run(meant),
      failsWith(
        "UNDECLARED_LOSS",
        /users\.phone: dropped with values in 7 rows\n {2}line 1: "-- drops: users phone" dec/,
      ),
    );
  });

  it("migrate applies only what was rehearsed, in the same version", async () => {
    const rehearsal = await run("CREATE VIEW one AS SELECT 1 AS one;");
    const migrating = () => migrate({ ...base, backup: made, rehearsal }, quiet);
    await project.migration(next, "CREATE VIEW one AS SELECT 2 AS one;");
    await assert.rejects(migrating(), failsWith("NOT_WHAT_WAS_REHEARSED", /2_next/));
    await project.migration(next, "CREATE VIEW one AS SELECT 1 AS one;");
    assert.equal((await migrating()).applied.length, 1);
  });
});
