import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, type StageRequest, preflightResult } from "../../pipeline/contracts.js";
import type { Decision } from "../../pipeline/gate/decide.js";
import { gatherFacts } from "../../pipeline/gate/facts.js";
import { inquire } from "../../pipeline/gate/questions.js";
import { reviewOnDatabase } from "../../pipeline/gate/review.js";
import { readTableSizes } from "../../pipeline/gate/tableSizes.js";
import { connect, withClient } from "../../pipeline/postgres/connection.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { loadParser } from "../../pipeline/prisma/plan.js";
import { backup } from "../../pipeline/stages/backup.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { verify } from "../../pipeline/stages/verify.js";
import { testCluster } from "../support/postgres.js";
import { requestOf } from "../support/stageRequest.js";
import { failsWith, maintain, query, quiet, recording, temporaryStore } from "./backupFixtures.js";

const init = "20250101000000_init";
const next = "20250102000000_next";
const schema = `datasource db {\n  provider = "postgresql"\n}\n`;
const history = `
  CREATE TABLE full_one (id int PRIMARY KEY, note text, email text, parent int, never text);
  CREATE TABLE empty_one (id int PRIMARY KEY);
  CREATE TABLE emptied (id int PRIMARY KEY);
  CREATE TABLE parents (id int PRIMARY KEY);
  CREATE TABLE heap (id int) PARTITION BY RANGE (id);
  CREATE TABLE heap_1 PARTITION OF heap FOR VALUES FROM (0) TO (100);
  CREATE VIEW notes AS SELECT note FROM full_one;
`;

/** What the database at hand says of pending migrations, and what the gate makes of it. */
describe("the gate, with a database at hand", function () {
  this.timeout(60_000);
  const name = "gate_facts";
  let database: Database;
  let folder: string;
  let store: Awaited<ReturnType<typeof temporaryStore>>;

  const write = async (migration: string, sql: string) => {
    await mkdir(join(folder, "migrations", migration), { recursive: true });
    await writeFile(join(folder, "migrations", migration, "migration.sql"), sql);
  };

  before(async () => {
    store = await temporaryStore();
    folder = await mkdtemp(join(tmpdir(), "safe-migration-gate-"));
    await writeFile(join(folder, "schema.prisma"), schema);
    await write(init, history);
    database = await (await testCluster()).create(name);
    await query(database, history);
    await query(
      database,
      `INSERT INTO parents VALUES (1);
       INSERT INTO full_one SELECT i, CASE WHEN i > 3 THEN 'n' END, 'same', i, NULL FROM generate_series(1, 50) i;
       INSERT INTO emptied SELECT generate_series(1, 50); DELETE FROM emptied;
       INSERT INTO heap SELECT generate_series(1, 50)`,
    );
  });
  after(async () => {
    await store.remove();
    await rm(folder, { recursive: true, force: true });
    await (await testCluster()).drop(name);
  });

  const request = (risk: object = {}): StageRequest =>
    requestOf(
      { database, project: { schema: join(folder, "schema.prisma"), migrations: join(folder, "migrations") }, store },
      { settings: { risk } },
    );
  const review = async (sql: string, risk: object = {}): Promise<Decision> => {
    await write(next, sql);
    const migrations = await readMigrations(join(folder, "migrations"));
    const { decisions } = await reviewOnDatabase(request(risk), migrations, new Set([next]), 15);
    assert.ok(decisions[0] !== undefined);
    return decisions[0];
  };
  const evidence = async (sql: string) => (await review(sql)).assessed.evidence.join("\n");

  describe("a table that is dropped", () => {
    it("full: dangerous, with its rows", async () => {
      const { tier, assessed } = await review("DROP TABLE full_one CASCADE;");
      assert.equal(tier, "dangerous");
      assert.match(assessed.evidence.join(), /public\.full_one holds about 50 row\(s\)/);
    });

    for (const table of ["empty_one", "emptied"])
      it(`${table}: risky, as it holds no row`, async () => {
        const { tier, assessed } = await review(`DROP TABLE ${table};`);
        assert.equal(tier, "risky");
        assert.match(assessed.evidence.join(), /holds no row/);
      });

    it("empty now, but written to by the migrations themselves: dangerous", async () => {
      const moved = "INSERT INTO empty_one SELECT id FROM full_one;\nDROP TABLE empty_one;";
      assert.equal((await review(moved)).tier, "dangerous");
    });

    it("empty itself, with its rows in partitions: dangerous", async () => {
      assert.equal((await review("DROP TABLE heap;")).tier, "dangerous");
    });
  });

  describe("a column that is dropped", () => {
    it("with values: dangerous, and nothing about it is unknown any more", async () => {
      const { tier, assessed } = await review('ALTER TABLE "full_one" DROP COLUMN "note";');
      assert.equal(tier, "dangerous");
      assert.match(assessed.evidence.join("\n"), /line 1: public\.full_one\.note holds values in 47 rows/);
      assert.deepEqual(
        assessed.risk.unknowns.filter((text) => text.includes("holds values")),
        [],
      );
    });

    it("without a value: risky, as in the user's list, not lower", async () => {
      const { tier, assessed } = await review('ALTER TABLE "full_one" DROP COLUMN "never";');
      assert.equal(tier, "risky");
      assert.match(assessed.evidence.join("\n"), /never holds no value/);
    });

    it("that a comment answers for: what is in it is said, and the comment still counts", async () => {
      const { tier, assessed } = await review(
        '-- risk-ignore: drop-column moved to notes in May\nALTER TABLE "full_one" DROP COLUMN "email";',
      );
      assert.match(assessed.evidence.join("\n"), /holds values in 50 rows/);
      assert.equal(tier, "safe");
      assert.equal((await review(await readNext(), { ignoreComments: "refuse" })).tier, "dangerous");
    });
  });
  const readNext = () => readFile(join(folder, "migrations", next, "migration.sql"), "utf8");

  describe("rows that will make a statement fail are said", () => {
    for (const [what, sql, said] of [
      ["nulls", "ALTER TABLE full_one ALTER COLUMN note SET NOT NULL;", /\(note\) is NULL in 3 rows, so it fails/],
      ["duplicates", "CREATE UNIQUE INDEX u ON full_one (email);", /\(email\) has 1 value more than once, so it fails/],
      [
        "duplicates of a constraint",
        "ALTER TABLE full_one ADD CONSTRAINT u UNIQUE (email);",
        /\(email\) has 1 value more than once/,
      ],
      [
        "rows without a value",
        "ALTER TABLE full_one ADD COLUMN must int NOT NULL;",
        /has 50 rows, which would have no/,
      ],
      [
        "rows that point at nothing",
        "ALTER TABLE full_one ADD CONSTRAINT f FOREIGN KEY (parent) REFERENCES parents (id);",
        /\(parent\) points at no row of public\.parents in 49 rows/,
      ],
      ["a view", "ALTER TABLE full_one ALTER COLUMN note TYPE varchar(9);", /full_one\.note is read by notes/],
    ] as const)
      it(what, async () => {
        const { tier, assessed } = await review(sql);
        assert.match(assessed.evidence.join("\n"), said);
        assert.notEqual(tier, "safe");
        assert.ok(assessed.risk.findings.some(({ effects }) => effects.includes("fails")));
      });

    for (const sql of [
      "ALTER TABLE full_one ALTER COLUMN email SET NOT NULL;",
      "CREATE UNIQUE INDEX u ON full_one (parent);",
      "ALTER TABLE full_one ADD COLUMN may int;",
      "ALTER TABLE full_one ADD COLUMN must int NOT NULL DEFAULT 0;",
      "ALTER TABLE full_one ADD CONSTRAINT f FOREIGN KEY (parent) REFERENCES parents (id) NOT VALID;",
      "CREATE TABLE made (id int); ALTER TABLE made ALTER COLUMN id SET NOT NULL;",
    ])
      it(`and only those: ${sql}`, async () => assert.doesNotMatch(await evidence(sql), /fails/));
  });

  it("a table that somebody holds is not waited for: what it holds is said to be unknown, and nothing is called empty", async () => {
    await loadParser();
    const sql = 'ALTER TABLE "full_one" DROP COLUMN "note";';
    const inquiry = inquire([{ name: next, path: next, sql }], "public");
    const holder = await connect(database, { applicationName: "test" });
    try {
      await holder.query("BEGIN; LOCK TABLE full_one IN ACCESS EXCLUSIVE MODE");
      const facts = await gatherFacts(database, inquiry, { patienceMs: 600 });
      assert.equal(facts.sizes, undefined);
      assert.equal(facts.empty, false);
      assert.deepEqual(
        facts.answers.map(({ found, unknown }) => [found, unknown]),
        [[undefined, "the table is locked"]],
      );
    } finally {
      await holder.end();
    }
  });

  it("a role that may see only some rows does not find a table empty", async () => {
    await maintain(database, "DROP ROLE IF EXISTS peeker; CREATE ROLE peeker LOGIN PASSWORD 'peeker'");
    process.env["PEEKER_PASSWORD"] = "peeker";
    await query(
      database,
      "ALTER TABLE full_one ENABLE ROW LEVEL SECURITY; GRANT SELECT ON ALL TABLES IN SCHEMA public TO peeker",
    );
    try {
      const password = { from: "environment", variable: "PEEKER_PASSWORD" } as const;
      const sql = 'ALTER TABLE "full_one" DROP COLUMN "note";';
      const inquiry = inquire([{ name: next, path: next, sql }], "public");
      const facts = await gatherFacts({ ...database, user: "peeker", password }, inquiry);
      assert.match(facts.answers[0]?.unknown ?? "", /row-level security/);
      assert.ok((facts.sizes?.["public.full_one"]?.rows ?? 0) > 0);
    } finally {
      await query(database, "ALTER TABLE full_one DISABLE ROW LEVEL SECURITY; DROP OWNED BY peeker; DROP ROLE peeker");
    }
  });

  it("sizes are of the whole of a partitioned table, and empty only where there is no row", async () => {
    const sizes = await withClient(database, { applicationName: "test" }, (client) => readTableSizes(client));
    assert.equal(sizes["public.empty_one"]?.rows, 0);
    assert.ok((sizes["public.emptied"]?.rows ?? 0) > 0, "has pages, so it is not certain");
    assert.ok((sizes["public.heap"]?.bytes ?? 0) >= (sizes["public.heap_1"]?.bytes ?? 1));
    assert.equal(sizes["public._prisma_migrations"], undefined);
  });

  it("a database without a row has nothing to lose, whatever the policy asks", async () => {
    const other = await (await testCluster()).create("gate_empty");
    try {
      await query(other, history);
      await write(next, "DROP TABLE full_one CASCADE;");
      const migrations = await readMigrations(join(folder, "migrations"));
      const base = { ...request({ dangerous: "approve" }), database: other };
      const onEmpty = async (sql: string) => {
        await write(next, sql);
        const folderNow = await readMigrations(migrations.folder);
        return (await reviewOnDatabase(base, folderNow, new Set([next]), 15)).decisions[0]?.verdict.kind;
      };
      assert.equal(await onEmpty("DO $$ BEGIN DROP TABLE full_one CASCADE; END $$;"), "passed");
      assert.equal(await onEmpty("DROP DATABASE other;"), "refused");
      await query(other, "SELECT lo_from_bytea(0, 'x')");
      assert.equal(await onEmpty("DO $$ BEGIN DROP TABLE full_one CASCADE; END $$;"), "refused");
    } finally {
      await (await testCluster()).drop("gate_empty");
    }
  });

  describe("in preflight", () => {
    before(async () => {
      // The history as the pipeline itself would have it: what is there is what the first migration made.
      const { migrations } = await readMigrations(join(folder, "migrations"));
      const checksum = migrations.find((migration) => migration.name === init)?.checksum;
      await query(
        database,
        `CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
           migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
           started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count int NOT NULL DEFAULT 0)`,
      );
      await query(
        database,
        "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name) VALUES ('1', $1, now(), $2)",
        [checksum, init],
      );
      await write(next, 'ALTER TABLE "full_one" DROP COLUMN "never";\nDROP TABLE "parents"; -- drops: parents\n');
    });

    const asked = { risky: "acknowledge", dangerous: "approve" };
    const checksum = async () =>
      (await readMigrations(join(folder, "migrations"))).migrations.find((migration) => migration.name === next)
        ?.checksum;
    const approved = async (tier: string) => ({
      ...asked,
      approvals: [
        { migration: next, checksum: await checksum(), tier, by: "Ada", at: "2026-01-01T00:00:00Z", reason: "unused" },
      ],
    });

    it("waves through on local, and shows what it found", async () => {
      const { context, lines } = recording();
      const result = await preflight(request(), context);
      assert.match(lines.join("\n"), /line 2: dangerous, drop-table: .*\n.*safer:/);
      assert.deepEqual(
        result.risks?.map(({ migration, tier, verdict }) => [migration, tier, verdict]),
        [[next, "dangerous", "passed"]],
      );
      assert.deepEqual(preflightResult.parse(JSON.parse(JSON.stringify(result))), result);
    });

    it("refuses where it is told to ask, and touches nothing", async () => {
      const before = await query(database, "SELECT count(*) FROM pg_class");
      await assert.rejects(
        preflight(request(asked), quiet),
        failsWith("RISK_NOT_APPROVED", /20250102000000_next: dangerous, refused: no approval/),
      );
      assert.deepEqual(await query(database, "SELECT count(*) FROM pg_class"), before);
    });

    it("refuses what is approved as risky only, and what was edited since", async () => {
      await assert.rejects(
        preflight(request(await approved("risky")), quiet),
        failsWith("RISK_NOT_APPROVED", /approved as risky, is dangerous now/),
      );
      const approval = await approved("dangerous");
      const sql = await readNext();
      await write(next, `${sql} `);
      await assert.rejects(
        preflight(request(approval), quiet),
        failsWith("RISK_NOT_APPROVED", /approval is for another version of the file/),
      );
      await write(next, sql);
    });

    it("lets what is approved through; report.md says who answered", async () => {
      const base = { ...request(await approved("dangerous")), run: "approved" };
      const looked = await preflight(base, quiet);
      const made = await backup({ ...base, preflight: looked }, quiet);
      const rehearsal = await rehearse({ ...base, backup: made }, quiet);
      const migrated = await migrate({ ...base, backup: made, rehearsal }, quiet);
      assert.equal(migrated.applied.length, 1);
      const drift = {
        ...base,
        settings: { ...base.settings, preflight: { ...base.settings.preflight, drift: "warn" } },
      };
      const verified = await verify(
        { ...(drift as StageRequest), preflight: looked, backup: made, rehearsal, migrate: migrated },
        quiet,
      );
      assert.ok(verified.tables?.["public.full_one"] !== undefined);
      assert.match(
        await readFile(new URL(verified.report), "utf8"),
        /## Risk of the migrations[^]*🔴 20250102000000_next[^]*Approved as dangerous by Ada on 2026-01-01 \(unused\)/,
      );
    });
  });
});
