import assert from "node:assert/strict";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BackupResult, Database, MigrateResult, RehearseResult, StageRequest } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { ensureSample } from "../../pipeline/local/sample.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { runApplicationChecks } from "../../pipeline/checks/application.js";
import { backup } from "../../pipeline/stages/backup.js";
import { health } from "../../pipeline/stages/health.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { status } from "../../pipeline/stages/status.js";
import { verify } from "../../pipeline/stages/verify.js";
import { testCluster } from "../support/postgres.js";
import { type TestProject, copySample } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { failsWith, maintain, query, quiet, recording, temporaryStore, unrehearsed } from "./backupFixtures.js";

/** The chain as `pulumi up` runs it, on the sample shop, without Pulumi. */
describe("the stages, one after the other", function () {
  this.timeout(120_000);
  const name = "stages_shop";
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  before(async () => {
    store = await temporaryStore();
    project = await copySample();
    const test = await testCluster();
    database = await test.create(name, { owner: "shop" });
    await ensureSample(database, project, { users: 60, orders: 300, ...quiet });
  });
  after(async () => {
    await store.remove();
    await project.remove();
    await (await testCluster()).drop(name);
  });

  const request = (settings: object = {}): StageRequest =>
    requestOf(
      { database, project, store },
      {
        run: `run-${++runs}`,
        settings: { migrate: { lockTimeoutMs: 200, lockRetries: 1, retryDelayMs: 10 }, ...settings },
      },
    );
  interface Chained {
    readonly made: BackupResult;
    readonly rehearsal: RehearseResult;
    readonly migrated: MigrateResult;
  }
  const chain = async (base = request()): Promise<Chained> => {
    const looked = await preflight(base, quiet);
    const made = await backup({ ...base, preflight: looked }, quiet);
    const rehearsal = await rehearse({ ...base, preflight: looked, backup: made }, quiet);
    return { made, rehearsal, migrated: await migrate({ ...base, backup: made, rehearsal }, quiet) };
  };

  it("applies what is pending and verifies it, with a report", async () => {
    const base = request();
    const looked = await preflight(base, quiet);
    assert.equal(looked.pending.length, 2);
    const { made, rehearsal, migrated } = await chain(base);
    assert.equal(rehearsal.verdict, "proved");
    assert.deepEqual(
      rehearsal.migrations.map(({ changes, down }) => [changes, down?.verdict]),
      looked.pending.map(() => [[], "proved"]),
    );
    assert.deepEqual(
      migrated.applied.map(({ name: applied }) => applied),
      looked.pending.map(({ name: pending }) => pending),
    );
    const result = await verify({ ...base, backup: made, rehearsal, migrate: migrated }, quiet);
    assert.equal(result.health.status, "healthy");
    assert.equal(result.counts["UserProfile"], 60);
    assert.equal(result.relations, 10);
    const report = await readFile(new URL(result.report), "utf8");
    assert.match(report, /^# Verified: local/);
    assert.match(report, /## Rehearsal\n\nproved: the backup restores to the same \d+ rows in 9 tables/);
    for (const { name: applied, checksum } of migrated.applied)
      assert.match(report, new RegExp(`${applied}.*${checksum}`));
  });

  describe("migrate refuses", () => {
    it("a backup that another run made", async () => {
      const made = await backup(request(), quiet);
      await assert.rejects(migrate(unrehearsed(request(), made), quiet), failsWith("NOT_THIS_RUNS_BACKUP"));
    });

    it("a backup one of whose files was changed", async () => {
      const base = request();
      const made = await backup(base, quiet);
      const dump = join(store.root, "local", made.id, "dump");
      const file = (await readdir(dump)).find((entry) => entry.endsWith(".dat.gz") || entry.endsWith(".dat.zst"));
      const path = join(dump, file ?? "toc.dat");
      const bytes = await readFile(path);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await writeFile(path, bytes);
      await assert.rejects(migrate(unrehearsed(base, made), quiet), failsWith("BACKUP_DAMAGED", /dat/));
    });

    it("a backup of another database", async () => {
      const base = request();
      const made = await backup(base, quiet);
      const other = { ...made, identity: { ...made.identity, systemIdentifier: "1" } };
      await assert.rejects(migrate(unrehearsed(base, other), quiet), failsWith("OTHER_DATABASE"));
    });

    it("a rehearsal that is another run's, of another backup, or was left out though it is wanted", async () => {
      const base = request();
      const made = await backup(base, quiet);
      const { rehearsal, ...asked } = unrehearsed(base, made);
      const refuses = (change: object, code: string, settings = asked.settings) =>
        assert.rejects(migrate({ ...asked, settings, rehearsal: { ...rehearsal, ...change } }, quiet), failsWith(code));
      await refuses({ run: "another" }, "NOT_THIS_RUNS_REHEARSAL");
      await refuses({ environment: "prod" }, "NOT_THIS_RUNS_REHEARSAL");
      await refuses({ backup: "another" }, "OTHER_BACKUP_REHEARSED");
      await refuses({ manifestSha256: "0".repeat(64) }, "OTHER_BACKUP_REHEARSED");
      await refuses({}, "NOT_REHEARSED", base.settings);
    });
  });

  describe("preflight refuses, and touches nothing", () => {
    it("a database that is marked as another environment's", async () => {
      await maintain(database, `ALTER DATABASE ${name} SET "safe_migration.environment" = 'prod'`);
      await assert.rejects(preflight(request(), quiet), failsWith("WRONG_ENVIRONMENT", /"prod"/));
      await assert.rejects(backup(request(), quiet), failsWith("WRONG_ENVIRONMENT"));
      await maintain(database, `ALTER DATABASE ${name} RESET "safe_migration.environment"`);
    });

    it("a role that may not create databases", async () => {
      await maintain(database, "DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN PASSWORD 'weak'");
      process.env["WEAK_PASSWORD"] = "weak";
      const weak: Database = {
        ...database,
        user: "weak",
        password: { from: "environment", variable: "WEAK_PASSWORD" },
      };
      await assert.rejects(
        preflight({ ...request(), database: weak }, quiet),
        failsWith("MISSING_RIGHT", /create databases/),
      );
      await maintain(database, "ALTER ROLE weak CREATEDB");
      await assert.rejects(
        preflight({ ...request(), database: weak }, quiet),
        failsWith("MISSING_RIGHT", /act as "shop"/),
      );
      await maintain(database, "DROP ROLE weak");
    });

    it("a database that does not exist, rather than making an empty one", async () => {
      const mistyped = { ...request(), database: { ...database, name: "stages_shpo" } };
      await assert.rejects(preflight(mistyped, quiet), failsWith("NO_DATABASE", /stages_shpo/));
    });

    it("drift, unless told to warn of it", async () => {
      await query(database, "ALTER TABLE orders ADD COLUMN by_hand int");
      await assert.rejects(preflight(request(), quiet), failsWith("DRIFT", /by_hand/));
      const { warnings } = await preflight(request({ preflight: { drift: "warn" } }), quiet);
      assert.match(warnings.join("\n"), /by_hand/);
      await query(database, "ALTER TABLE orders DROP COLUMN by_hand");
    });

    it("a file that mixes what must be alone with other statements", async () => {
      await project.migration(
        "20260101000000_mixed",
        "CREATE INDEX CONCURRENTLY a ON orders (id);\nCREATE TABLE b (id int);",
      );
      await assert.rejects(preflight(request(), quiet), failsWith("NOT_ATOMIC", /20260101000000_mixed/));
      await project.withdraw("20260101000000_mixed");
    });

    it("a failed row of another tool, of which nothing is proved", async () => {
      await query(
        database,
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('x', 'x', '20260102000000_stock', 'ERROR')`,
      );
      await project.migration("20260102000000_stock", "SELECT 1;");
      await assert.rejects(preflight(request(), quiet), failsWith("FAILED_MIGRATION", /20260102000000_stock/));
      assert.deepEqual((await status(request(), quiet)).failed, ["20260102000000_stock"]);
      await query(database, "DELETE FROM _prisma_migrations WHERE id = 'x'");
      await project.withdraw("20260102000000_stock");
    });
  });

  it("preflight warns of a transaction that has been open for long", async () => {
    const idle = await connect(database, { applicationName: "a forgotten session" });
    await idle.query("BEGIN; SELECT 1");
    await idle.query("SELECT pg_sleep(1.2)");
    const { warnings } = await preflight(request({ preflight: { longTransactionSeconds: 1 } }), quiet);
    await idle.end();
    assert.match(warnings.join("\n"), /a forgotten session/);
  });

  it("preflight warns of a change of the Prisma schema that no migration makes", async () => {
    assert.deepEqual((await preflight(request(), quiet)).warnings, []);
    const schema = project.schema;
    const text = await readFile(schema, "utf8");
    await writeFile(schema, text.replace("model UserProfile {", "model UserProfile {\n  nickname String?"));
    const { warnings } = await preflight(request(), quiet);
    await writeFile(schema, text);
    assert.match(warnings.join("\n"), /no migration makes \(.*prisma:migrate:create.*\):[^]*Added column `nickname`/);
  });

  it("migrate tries again after a lock timeout, and names who was in the way", async () => {
    await project.migration("20260103000000_locked", "ALTER TABLE orders ADD COLUMN locked int;");
    const holder = await connect(database, { applicationName: "a slow report" });
    await holder.query("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE");
    // It is put off once, while who is in the way can be seen, and asks the last time all the same.
    const base = request();
    await assert.rejects(chain(base), (error: unknown) => {
      assert.ok(error instanceof PipelineError);
      assert.equal(error.code, "LOCK_TIMEOUT");
      assert.equal(error.kind, "failedUnchanged");
      assert.match(error.message, /waited 1 time\(s\) for: pid \d+ \(.*a slow report/);
      return true;
    });
    const { context, lines } = recording();
    const again = request({ migrate: { lockTimeoutMs: 200, lockRetries: 9, retryDelayMs: 10 } });
    const made = await backup(again, quiet);
    const rehearsal = await rehearse({ ...again, backup: made }, quiet);
    // Let go only once it has been met.
    const released = (async () => {
      while (!lines.some((line) => /; again in/.test(line))) await sleep(10);
      await holder.query("ROLLBACK");
    })();
    const { applied } = await migrate({ ...again, backup: made, rehearsal }, context);
    await released;
    await holder.end();
    assert.equal(applied.length, 1);
    assert.match(lines.join("\n"), /not begun, as it would wait for a lock/);
    await addSchemaColumn("locked");
  });

  /** Keeps the schema in step with a migration of an `orders` column. */
  const addSchemaColumn = async (column: string) => {
    const path = project.schema;
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(/(model Order \{\n)/, `$1  ${column} Int?\n`));
  };

  describe("verify finds", () => {
    const findings = async (): Promise<string> => {
      try {
        return (await verify(request(), quiet)).findings.map(({ check, message }) => `${check}: ${message}`).join("\n");
      } catch (error) {
        assert.ok(error instanceof PipelineError);
        assert.equal(error.code, "VERIFY_FAILED");
        const mends = /^ {2}(orphans|sequence-behind|unvalidated-constraint|invalid-index):/m.test(error.message);
        assert.equal(/^Mend the findings \(npm run db:repair shows/.test(error.next), mends, error.next);
        assert.doesNotMatch(error.next, /to go back/, "nothing was applied");
        return error.message;
      }
    };

    it("nothing on a healthy database", async () => assert.equal(await findings(), ""));

    it("a pending migration", async () => {
      await project.migration("20260201000000_pending", "SELECT 1;");
      assert.match(await findings(), /pending: .*20260201000000_pending/);
      await project.withdraw("20260201000000_pending");
    });

    it("rows that point at nothing, where the foreign key was switched off for a while", async () => {
      await query(database, "ALTER TABLE order_items DISABLE TRIGGER ALL");
      await query(
        database,
        "UPDATE order_items SET order_id = -1 WHERE id IN (SELECT id FROM order_items ORDER BY id LIMIT 3)",
      );
      assert.match(
        await findings(),
        /orphans: public\.order_items \(order_id\): 3 row\(s\) point at no row of public\.orders/,
      );
      await query(database, "UPDATE order_items SET order_id = (SELECT min(id) FROM orders) WHERE order_id = -1");
      await query(database, "ALTER TABLE order_items ENABLE TRIGGER ALL");
    });

    it("an index that is not valid, and a constraint that was never checked", async () => {
      await query(database, "ALTER TABLE orders ADD CONSTRAINT unchecked CHECK (id > 0) NOT VALID");
      await query(database, "CREATE INDEX broken ON orders (placed_at)");
      await query(database, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass");
      const found = await findings();
      assert.match(found, /invalid-index: index broken on orders/);
      await query(database, "DROP INDEX broken");
      const { findings: warnings } = await verify(request(), quiet);
      assert.deepEqual(
        warnings.map(({ check, severity }) => `${check} ${severity}`),
        ["unvalidated-constraint warning"],
      );
      await query(database, "ALTER TABLE orders DROP CONSTRAINT unchecked");
    });

    it("a sequence that would hand out a value that is taken", async () => {
      const [row] = await query<{ sequence: string; last: string }>(
        database,
        "SELECT pg_get_serial_sequence('orders', 'id') AS sequence, max(id)::text AS last FROM orders",
      );
      await query(database, "SELECT setval($1, 5)", [row?.sequence]);
      assert.match(await findings(), /sequence-behind: sequence .*orders_id_seq is at 5/);
      await query(database, "SELECT setval($1, $2::bigint)", [row?.sequence, row?.last]);
    });

    it("a model that no migration makes", async () => {
      const path = project.schema;
      const text = await readFile(path, "utf8");
      await writeFile(path, `${text}\nmodel Forgotten {\n  id Int @id\n}\n`);
      assert.match(await findings(), /schema: the Prisma schema has what no migration makes: .*"public\.Forgotten"/);
      await writeFile(path, text);
    });

    it("that row security hides rows from the role, instead of counting what it is shown", async () => {
      await query(
        database,
        `CREATE ROLE narrow LOGIN CREATEDB PASSWORD 'narrow'; GRANT shop TO narrow;
         ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;
         CREATE POLICY few ON orders USING (id < 10)`,
      );
      process.env["NARROW_PASSWORD"] = "narrow";
      const password = { from: "environment", variable: "NARROW_PASSWORD" } as const;
      const base = request();
      const narrow = { ...base, database: { ...database, user: "narrow", password } };
      await assert.rejects(
        verify(narrow, quiet),
        failsWith("NOT_READABLE", /row-level security policy for table "orders"/),
      );
      await assert.rejects(health(narrow, quiet), failsWith("NOT_READABLE", /orders/));
      const module = join(project.root, "checks.cjs");
      await writeFile(module, "exports.default = async ({ options }) => ({ counts: { [options]: 1 }, findings: [] });");
      const { counts } = await runApplicationChecks(module, database);
      assert.deepEqual(counts, { "-c row_security=off": 1 }, "and the application's checks are told to ask alike");
      await query(
        database,
        `DROP POLICY few ON orders; ALTER TABLE orders NO FORCE ROW LEVEL SECURITY;
         ALTER TABLE orders DISABLE ROW LEVEL SECURITY; DROP OWNED BY narrow; DROP ROLE narrow`,
      );
    });

    it("drift, which it looks for only where something has changed since preflight did", async () => {
      const base = request();
      const looked = await preflight(base, quiet);
      const { context, lines } = recording();
      await query(database, "ANALYZE; UPDATE orders SET currency = currency");
      await verify({ ...base, preflight: looked }, context);
      assert.ok(lines.some((line) => /nothing has changed the form of the database since preflight/.test(line)));
      await query(database, "ALTER TABLE orders ALTER COLUMN currency DROP NOT NULL");
      await assert.rejects(verify({ ...base, preflight: looked }, quiet), failsWith("VERIFY_FAILED", /drift: /));
      assert.match(await findings(), /drift: .*/);
      await query(database, "ALTER TABLE orders ALTER COLUMN currency SET NOT NULL");
      assert.equal(await findings(), "");
    });
  });
});
