import assert from "node:assert/strict";
import type { BackupResult, Database, RehearseResult, StageRequest } from "../../pipeline/contracts.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { checksumOf } from "../../pipeline/prisma/migrations.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { type TestProject } from "../support/prismaProjects/write.js";
import { type BackedUpProject, backedUpProject } from "./backedUpProject.js";
import { failsWith, query, quiet, recording } from "./backupFixtures.js";

describe("rehearse: what was measured, against the tier that was asked for", function () {
  this.timeout(60_000);
  const name = "rehearsed_evidence";
  const next = "2_next";
  let database: Database;
  let start: BackedUpProject;
  let project: TestProject;
  let base: StageRequest;
  let made: BackupResult;

  before(async () => {
    start = await backedUpProject(
      name,
      "CREATE TABLE users (id int PRIMARY KEY, phone text); CREATE TABLE log (at int); INSERT INTO users VALUES (1, '1'); INSERT INTO log VALUES (1);",
      {
        settings: {
          migrate: { refusedAfterMs: 500, probeEveryMs: 0 },
          risk: { risky: "acknowledge", dangerous: "approve" },
        },
      },
    );
    ({ database, project, base, made } = start);
  });
  after(() => start.remove());
  afterEach(() => project.withdraw(next));

  const rehearsed = async (sql: string) => {
    await project.migration(next, sql);
    const { context, lines } = recording();
    const result = await rehearse({ ...base, backup: made }, context);
    assert.ok(result.verdict === "proved");
    const evidence = result.migrations[0]?.evidence;
    assert.ok(evidence !== undefined);
    return { result, evidence, lines };
  };
  const migrating = (
    rehearsal: RehearseResult,
    approvals: StageRequest["settings"]["risk"]["approvals"] = [],
    limits: Partial<StageRequest["settings"]["migrate"]> = {},
    context = quiet,
  ) => {
    const risk = { ...base.settings.risk, approvals };
    const settings = { ...base.settings, risk, migrate: { ...base.settings.migrate, ...limits } };
    return migrate({ ...base, settings, backup: made, rehearsal }, context);
  };

  it("raises what the file shows as safe and holds a lock for too long; migrate then asks for it", async () => {
    const sql =
      "-- nick\nALTER TABLE users ADD COLUMN nick text;\nSELECT pg_sleep(0.6); -- risk-ignore: lock-rows stands for a slow one";
    const { result, evidence, lines } = await rehearsed(sql);
    assert.equal(evidence.asked, "safe");
    assert.equal(evidence.verdict, "raised");
    const [first, second] = evidence.statements;
    assert.deepEqual([first?.line, first?.locks], [2, ["public.users AccessExclusiveLock"]]);
    assert.ok((first?.heldMs ?? 0) >= 600, "held to the end of the transaction");
    assert.deepEqual([second?.line, second?.locks], [3, []]);
    assert.ok(lines.some((line) => /^2_next is risky, not safe: line 2: held AccessExclusiveLock/.test(line)));
    await assert.rejects(migrating(result), (error: unknown) => {
      failsWith(
        "RAISED_BY_REHEARSAL",
        /2_next: risky, refused: no approval\n.*line 2: risky, rehearsal: held AccessExclusiveLock on public\.users for \d+ ms on the copy; readers and writers wait as long/,
      )(error);
      assert.match(String((error as { next?: string }).next), /npm run approve -- --stack local 2_next --tier risky/);
      return true;
    });
    const columns =
      "SELECT count(*)::int AS n FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'nick'";
    assert.deepEqual(await query(database, columns), [{ n: 0 }], "nothing was applied");
    const approval = { migration: next, tier: "risky", by: "Ada", at: "2026-01-01T00:00:00Z" } as const;
    await assert.rejects(
      migrating(result, [{ ...approval, checksum: "0".repeat(64) }]),
      failsWith("RAISED_BY_REHEARSAL", /another version/),
    );
    assert.equal((await migrating(result, [{ ...approval, checksum: checksumOf(sql) }])).applied.length, 1);
  });

  describe("and of what was applied meanwhile", () => {
    beforeEach(() => query(database, `DELETE FROM _prisma_migrations WHERE migration_name = '${next}'`));

    it("raises what cannot be tried in a transaction, by locks that are sampled beside it", async () => {
      const { evidence } = await rehearsed(
        "-- no-transaction\nBEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE log; SELECT pg_sleep(0.7); COMMIT;",
      );
      assert.equal(evidence.statements[0]?.line, 0);
      assert.deepEqual(evidence.statements[0].locks, ["public.log AccessExclusiveLock"]);
      assert.ok(evidence.statements[0].heldMs >= 500);
    });

    it("lowers what could not be seen into and did nothing to data; migrate asks what was asked before", async () => {
      const { result, evidence } = await rehearsed("DO $$ BEGIN EXECUTE 'CREATE VIEW v AS SELECT 1 AS x'; END $$;");
      assert.equal(`${evidence.asked} ${evidence.verdict} ${evidence.tier}`, "dangerous lowered safe");
      assert.equal((await migrating(result)).applied.length, 1);
    });

    it("is not begun while a session holds what the rehearsal saw it lock", async () => {
      const { result } = await rehearsed("ALTER TABLE users ADD COLUMN born date;");
      const holder = await connect(database, { applicationName: "a slow report" });
      await holder.query("BEGIN; SELECT FROM users; SELECT pg_sleep(0.2)");
      const { context, lines } = recording();
      const ended = new Promise<unknown>((resolve) => {
        context.log.warn = (line) => (lines.push(line), resolve(holder.query("COMMIT")));
      });
      const { applied } = await migrating(result, [], { lockTimeoutMs: 100, lockRetries: 99 }, context);
      await ended;
      await holder.end();
      assert.equal(applied[0]?.attempts, 1, "nobody ever waited behind it");
      assert.match(lines.join("\n"), /2_next: not begun, as it would wait for a lock, and others behind it/);
    });

    it("ends a statement that takes many times as long as all did on the copy, with both figures", async () => {
      const { result } = await rehearsed(
        `SELECT pg_sleep(CASE WHEN current_database() = '${name}' THEN 60 ELSE 0 END);`,
      );
      const limits = { rehearsedTimeoutFactor: 1, rehearsedTimeoutLeastMs: 1, lockTimeoutMs: 10 };
      await assert.rejects(
        migrating(result, [], limits),
        failsWith(
          "MIGRATION_FAILED",
          /statement timeout[^]*may run for \d+ ms, as all of it took \d+ ms on the copy \(migrate\.rehearsedTimeoutFactor/,
        ),
      );
    });

    it("confirms a drop, and tells what each statement dropped and wrote anew", async () => {
      const { evidence } = await rehearsed(
        "-- drops: users.phone, log\nALTER TABLE users DROP COLUMN phone;\nDROP TABLE log;\nALTER TABLE users ALTER COLUMN id TYPE bigint;",
      );
      assert.equal(`${evidence.asked} ${evidence.verdict} ${evidence.tier}`, "dangerous confirmed dangerous");
      const of = (line: number) => evidence.statements.find((statement) => statement.line === line);
      assert.deepEqual(of(2)?.drops, ["public.users.phone"]);
      assert.deepEqual(of(3)?.drops, ["public.log"]);
      assert.deepEqual(of(4)?.rewrites, ["public.users"]);
    });
  });
});
