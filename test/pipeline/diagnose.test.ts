import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Database,
  type DiagnoseResult,
  type RepairResult,
  diagnoseRequest,
  repairRequest,
} from "../../pipeline/contracts.js";
import { ensureSample } from "../../pipeline/local/sample.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { fingerprintDatabase } from "../../pipeline/postgres/fingerprint.js";
import { backup } from "../../pipeline/stages/backup.js";
import { diagnose } from "../../pipeline/stages/diagnose.js";
import { repair } from "../../pipeline/stages/repair.js";
import { resultExitCode } from "../../pipeline/stages/resultExitCode.js";
import { testCluster } from "../support/postgres.js";
import { type TestProject, copySample } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { query, quiet, temporaryStore } from "./backupFixtures.js";

const name = "diagnose_shop";
const template = "diagnose_template";

/** Everything that the plan's emergency of corrupt data may be, made by hand on a real server. */
describe("diagnose and repair", function () {
  this.timeout(120_000);
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  const base = () =>
    requestOf(
      { database, project, store },
      {
        run: `run-${++runs}`,
        settings: { preflight: { longTransactionSeconds: 1 }, migrate: { lockTimeoutMs: 500 } },
      },
    );
  const diagnosing = (more: object = {}): Promise<DiagnoseResult> =>
    diagnose(diagnoseRequest.parse({ ...base(), ...more }), quiet);
  const repairing = (more: object = { apply: true }): Promise<RepairResult> =>
    repair(repairRequest.parse({ ...base(), ...more }), quiet);
  /** Checks that found something, apart from what a test's cluster and its age bring along. */
  const checksOf = (findings: readonly { check: string }[]) =>
    [...new Set(findings.map(({ check }) => check))]
      .filter((check) => !["checksums-off", "backup-unproved", "pending"].includes(check))
      .sort();
  const sql = (text: string) => query(database, text);
  const count = async (table: string) =>
    (await query<{ n: number }>(database, `SELECT count(*)::int AS n FROM ${table}`))[0]?.n;

  before(async () => {
    store = await temporaryStore();
    project = await copySample();
    const test = await testCluster();
    const made = await test.create(template, { owner: "shop" });
    await ensureSample(made, project, { users: 30, orders: 120, ...quiet });
  });
  beforeEach(async () => {
    database = await (await testCluster()).create(name, { owner: "shop", template });
    await backup(base(), quiet);
  });
  after(async () => {
    await store.remove();
    await project.remove();
    for (const one of [name, template]) await (await testCluster()).drop(one);
  });

  it("find nothing on a healthy database, and leave nothing behind", async () => {
    const result = await diagnosing();
    assert.deepEqual(checksOf(result.findings), []);
    assert.equal(result.errors, 0);
    assert.equal(resultExitCode(result), 0);
    assert.ok(result.looked.includes("corruption of tables and indexes"));
    assert.deepEqual(await sql("SELECT extname FROM pg_extension WHERE extname = 'amcheck'"), []);
    const nothing = await repairing();
    assert.deepEqual([nothing.applied, nothing.steps.length], [false, 0]);
  });

  it("move rows that point at nothing, with what refers to them, to where they can be put back from", async () => {
    const before_ = await fingerprintDatabase(database, { jobs: 1, ...quiet });
    // Users with orders, which have items and payments, deleted behind the back of the foreign keys.
    await sql(`CREATE TABLE gone AS SELECT * FROM user_profiles WHERE id IN (SELECT user_id FROM orders ORDER BY id LIMIT 3);
      ALTER TABLE user_profiles DISABLE TRIGGER ALL;
      DELETE FROM user_profiles WHERE id IN (SELECT id FROM gone);
      ALTER TABLE user_profiles ENABLE TRIGGER ALL;
      ALTER SCHEMA public OWNER TO CURRENT_USER; CREATE SCHEMA aside; ALTER TABLE gone SET SCHEMA aside`);
    const sick = await diagnosing({ quick: true });
    assert.deepEqual(checksOf(sick.findings), ["orphans"]);
    assert.equal(resultExitCode(sick), 4);
    const rows = { items: await count("order_items"), orders: await count("orders") };

    const plan = await repairing({ apply: false, quick: true });
    assert.ok(plan.steps.every(({ outcome }) => outcome === "planned"));
    assert.deepEqual({ items: await count("order_items"), orders: await count("orders") }, rows, "only a plan");

    const result = await repairing({ apply: true, quick: true });
    assert.deepEqual([...new Set(result.steps.map(({ outcome }) => outcome))], ["done"], JSON.stringify(result.steps));
    assert.deepEqual(checksOf(result.left), []);
    assert.equal(resultExitCode(result), 0);
    assert.notEqual(result.backup, undefined);
    const moved = await query<{ name: string }>(
      database,
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'safe_migration_quarantine'::regnamespace AND relkind = 'r'",
    );
    let kept = 0;
    for (const { name: table } of moved) kept += (await count(`safe_migration_quarantine."${table}"`)) ?? 0;
    assert.ok(kept > 3);
    assert.ok(((await count("order_items")) ?? 0) < (rows.items ?? 0));

    // Back again, to the last value.
    await sql("INSERT INTO user_profiles SELECT * FROM aside.gone; DROP SCHEMA aside CASCADE");
    for (const { undo = "" } of [...result.steps].reverse()) await sql(undo);
    await sql("DROP SCHEMA safe_migration_quarantine CASCADE");
    const after_ = await fingerprintDatabase(database, { jobs: 1, ...quiet });
    assert.deepEqual(after_.tables, before_.tables);
  });

  it("build an index again that lacks rows, without reading a row through it before", async () => {
    await sql("UPDATE pg_index SET indisready = false WHERE indexrelid = 'orders_number_key'::regclass");
    await sql("UPDATE orders SET number = 'X' || id WHERE id <= 10");
    await sql("UPDATE pg_index SET indisready = true WHERE indexrelid = 'orders_number_key'::regclass");
    const sick = await diagnosing();
    assert.deepEqual(checksOf(sick.findings), ["corrupt-index"], JSON.stringify(sick.findings));
    const result = await repairing();
    assert.deepEqual(
      result.steps.map(({ outcome, statements }) => [outcome, ...statements]),
      [["done", "REINDEX INDEX CONCURRENTLY orders_number_key"]],
    );
    assert.deepEqual(checksOf(result.left), []);
  });

  it("mend an invalid index, a constraint that was never checked, and a sequence that is behind, in the right order", async () => {
    await sql("CREATE INDEX broken ON orders (placed_at, status)");
    await sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass");
    await sql("ALTER TABLE orders ADD CONSTRAINT unchecked CHECK (id > 0) NOT VALID");
    await sql("SELECT setval(pg_get_serial_sequence('orders', 'id'), 5)");
    const result = await repairing({ apply: true, quick: true });
    assert.deepEqual(
      result.steps.map(({ check, outcome }) => `${check} ${outcome}`),
      ["invalid-index done", "sequence-behind done", "unvalidated-constraint done"],
    );
    // The index and the constraint were in no migration.
    assert.deepEqual(checksOf(result.left), ["drift"]);
    const again = await repairing({ apply: true, quick: true });
    assert.deepEqual(again.steps, []);
  });

  it("drop the halves that a failed REINDEX CONCURRENTLY left, that of the TOAST table's index among them", async () => {
    const holder = await connect(database, { applicationName: "a slow report" });
    await holder.query("BEGIN; UPDATE products SET active = active");
    const reindexing = assert.rejects(sql("REINDEX TABLE CONCURRENTLY products"), /canceling statement/);
    const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^REINDEX TABLE'`;
    while ((await sql(cancel)).length === 0) await sleep(20);
    await reindexing;
    const meanwhile = await diagnosing({ quick: true });
    await holder.end();
    const found = meanwhile.findings.filter(({ check }) => check === "invalid-index");
    assert.ok(found.length > 1 && found.every(({ severity }) => severity === "error"), JSON.stringify(found));
    const half = found.find(({ message }) => message.startsWith("index products_pkey_ccnew "));
    assert.match(
      half?.message ?? JSON.stringify(found),
      /on products is half of a REINDEX CONCURRENTLY of products_pkey/,
    );
    assert.equal(half?.remedy, "DROP INDEX CONCURRENTLY products_pkey_ccnew;");
    assert.ok(found.some(({ message }) => /^index pg_toast\.\S+_ccnew on products /.test(message)));
    const { steps, left } = await repairing({ apply: true, quick: true });
    assert.deepEqual([...new Set(steps.map(({ check, outcome }) => `${check} ${outcome}`))], ["invalid-index done"]);
    assert.equal(steps.length, found.length);
    assert.deepEqual(checksOf(left), []);
  });

  it("leave what they cannot mend as it was, say why, and do the rest", async () => {
    await sql("ALTER TABLE orders ADD CONSTRAINT untrue CHECK (id > 5) NOT VALID");
    await sql("SELECT setval(pg_get_serial_sequence('orders', 'id'), 5)");
    const result = await repairing({ apply: true, quick: true });
    assert.deepEqual(
      result.steps.map(({ check, outcome }) => `${check} ${outcome}`),
      ["sequence-behind done", "unvalidated-constraint failed"],
    );
    assert.match(result.steps[1]?.reason ?? "", /untrue/);
    assert.deepEqual(checksOf(result.left), ["unvalidated-constraint"]);
  });

  describe("a failed row of another tool", () => {
    const failed = (migration: string) =>
      sql(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('x', repeat('0', 64), '${migration}', 'ERROR')`,
      );
    const rowOf = async () =>
      (
        await query(
          database,
          "SELECT finished_at IS NOT NULL AS applied, rolled_back_at IS NOT NULL AS back FROM _prisma_migrations WHERE id = 'x'",
        )
      )[0];

    it("is marked as rolled back where nothing of it is there", async () => {
      await failed("20250915093000_gift_orders");
      const sick = await diagnosing({ quick: true });
      assert.match(sick.findings.find(({ check }) => check === "failed")?.message ?? "", /nothing of it is there/);
      await repairing({ apply: true, quick: true });
      assert.deepEqual(await rowOf(), { applied: false, back: true });
    });

    it("is left to a person where it is there: that Prisma sees no difference does not prove that there is none", async () => {
      await sql("ALTER TABLE orders ADD COLUMN gift_message text, ADD COLUMN delivery_instructions varchar(500)");
      await failed("20250915093000_gift_orders");
      const { steps, left } = await repairing({ apply: true, quick: true });
      assert.deepEqual(steps, []);
      assert.match(left.find(({ check }) => check === "failed")?.remedy ?? "", /--applied 20250915093000_gift_orders/);
      assert.deepEqual(await rowOf(), { applied: false, back: false });
    });

    it("is left to a person where a part of it is there", async () => {
      await sql("ALTER TABLE orders ADD COLUMN gift_message text");
      await failed("20250915093000_gift_orders");
      const { steps, left } = await repairing({ apply: true, quick: true });
      assert.deepEqual(steps, []);
      assert.match(left.find(({ check }) => check === "failed")?.message ?? "", /a part of it is there/);
    });
  });

  it("name sessions in the way, and show no value of their queries", async () => {
    const holder = await connect(database, { applicationName: "a slow report" });
    await holder.query("BEGIN; SELECT FROM user_profiles WHERE email = 'secret@example.com'; SELECT pg_sleep(1.1)");
    const { findings } = await diagnosing({ quick: true });
    await holder.end();
    const seen = findings.find(({ check }) => check === "long-transactions");
    assert.match(seen?.message ?? "", /a slow report/);
    assert.doesNotMatch(JSON.stringify(findings), /secret@/);
  });

  it("say that there is no backup", async () => {
    const empty = await temporaryStore();
    const { findings } = await diagnosing({ quick: true, store: empty.url });
    await empty.remove();
    assert.deepEqual(checksOf(findings), ["no-backup"]);
  });
});
