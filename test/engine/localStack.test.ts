import assert from "node:assert/strict";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { backupOfProd } from "../support/backupOfProd.js";
import { Checkout } from "../support/checkout.js";
import { inSteps } from "../support/inSteps.js";

interface Outputs {
  connection: { url: string; passfile: string };
  backup: { id: string; location: string; rows: number };
  rehearsal: { verdict: string; summary: string };
  migrations: { name: string; checksum: string }[];
  appliedNow: string[];
  health: { status: string; tables: number; users: number; orders: number };
  report: string;
  lastRun: { now?: { reason: string; by: string } };
}

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/** The whole through the real engine, as a newcomer types it. Each step stands on the one before. */
describe("the local stack", function () {
  this.timeout(300_000);
  inSteps(this);
  let checkout: Checkout;
  let first: Outputs;

  before(async () => {
    checkout = await Checkout.make(
      "config:\n  safe-migration:sample: { users: 300, orders: 1500 }\n  safe-migration:migrate: { lockTimeoutMs: 300, lockRetries: 2, retryDelayMs: 100 }\n",
    );
  });
  after(() => checkout.remove());

  const outputs = async () => (await checkout.outputs()) as unknown as Outputs;
  const count = async (table: string) =>
    Number((await checkout.rows<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n);

  it("first start: sample data is there, and the pending migrations were applied on it", async () => {
    const result = await checkout.npm("start");
    assert.equal(result.exitCode, 0, all(result));
    first = await outputs();
    assert.equal(first.health.status, "healthy");
    assert.equal(first.health.users, 300);
    assert.equal(first.health.orders, 1500);
    assert.ok(first.appliedNow.length > 0);
    assert.equal(first.migrations.length, (await readdir(checkout.path("prisma/migrations"))).length - 1);
    assert.ok(first.backup.rows > 1800);
    assert.ok(existsSync(new URL(first.report)));
    assert.match(result.stdout, new RegExp(first.backup.id));
    assert.equal(first.rehearsal.verdict, "proved");
    assert.match(first.rehearsal.summary, new RegExp(`the same ${first.backup.rows} rows in \\d+ tables`));
    assert.match(all(result), /pipeline-backup[^]*pipeline-rehearse[^]*pipeline-migrate/);
  });

  it("second start: the pipeline ran again, a second backup exists, data unchanged", async () => {
    const result = await checkout.npm("start");
    assert.equal(result.exitCode, 0, all(result));
    const second = await outputs();
    assert.notEqual(second.backup.id, first.backup.id);
    assert.deepEqual(second.appliedNow, []);
    assert.deepEqual(second.health, first.health);
    const backups = await readdir(checkout.path(".local/backups/local"));
    assert.ok(backups.includes(first.backup.id) && backups.includes(second.backup.id));
  });

  it("preview lists a pending migration without touching the database", async () => {
    await checkout.addMigration("20260601000000_note", 'ALTER TABLE "orders" ADD COLUMN "note" TEXT;');
    // With the server gone, a preview that looked at the database would fail.
    await checkout.killServer();
    const result = await checkout.npm("preview");
    assert.equal(result.exitCode, 0, all(result));
    assert.match(all(result), /Pending migrations .*: 1\n.*20260601000000_note/);
    assert.doesNotMatch(all(result), /20250113090000_init {2}sha256/);
  });

  it("starts a server that was killed, and applies a function body with semicolons whole", async () => {
    await rm(checkout.path("prisma/migrations/20260601000000_note"), { recursive: true });
    await checkout.addMigration(
      "20260601000000_function",
      "CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN n := n * 2; RETURN n; END; $$;\n",
    );
    const result = await checkout.npm("start");
    assert.equal(result.exitCode, 0, all(result));
    assert.deepEqual(await checkout.rows("SELECT twice(21) AS n"), [{ n: 42 }]);
  });

  it("a migration that fails in its second statement leaves nothing, says so, and its mended file works", async () => {
    const name = "20260602000000_broken";
    await checkout.addMigration(name, "CREATE TABLE half (id int);\nCREATE TABLE half (id int);\n");
    const failed = await checkout.npm("start");
    assert.notEqual(failed.exitCode, 0);
    assert.match(all(failed), /20260602000000_broken fails on the restored copy: .*already exists/);
    assert.deepEqual(await checkout.rows("SELECT to_regclass('half') AS half"), [{ half: null }]);
    await checkout.addMigration(name, "CREATE VIEW half AS SELECT 1 AS one;\n");
    // The window opens in three days; the word of who starts it, with a reason, is enough, and is recorded.
    const settings = await readFile(checkout.path("Pulumi.local.yaml"), "utf8");
    const day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"][(new Date().getUTCDay() + 3) % 7];
    const window = `{ open: [{ days: [${day}], from: "02:00", to: "03:00" }] }`;
    await writeFile(checkout.path("Pulumi.local.yaml"), `${settings.trimEnd()}\n  safe-migration:window: ${window}\n`);
    const closed = await checkout.npm("start");
    assert.notEqual(closed.exitCode, 0);
    assert.match(all(closed), /Migrations of local are not applied now/);
    const mended = await checkout.npm("up", ["--now", "asked for by the shop"]);
    await writeFile(checkout.path("Pulumi.local.yaml"), settings);
    assert.equal(mended.exitCode, 0, all(mended));
    const { appliedNow, lastRun } = await outputs();
    assert.ok(appliedNow.includes(name));
    assert.equal(lastRun.now?.reason, "asked for by the shop");
  });

  it("a migration that loses data it does not declare is stopped in the rehearsal, with table, column and rows", async () => {
    const name = "20260602000001_lossy";
    await checkout.addMigration(
      name,
      `UPDATE "order_items" SET "quantity" = "quantity" + 1;
ALTER TABLE "addresses" ALTER COLUMN "street" TYPE VARCHAR(3) USING left("street", 3);
ALTER TABLE "user_profiles" DROP COLUMN "first_name";`,
    );
    const [items, addresses] = [await count('"order_items"'), await count('"addresses"')];
    const stopped = await checkout.npm("start");
    assert.notEqual(stopped.exitCode, 0);
    for (const line of [
      `public.order_items.quantity: values changed in ${items} rows`,
      `public.addresses.street: values changed in ${addresses} rows`,
      "public.user_profiles.first_name: dropped with values in 300 rows",
    ])
      assert.ok(all(stopped).includes(line), all(stopped));
    assert.equal(
      Number((await checkout.rows<{ n: string }>('SELECT count("first_name") AS n FROM "user_profiles"'))[0]?.n),
      300,
    );
    await rm(checkout.path("prisma/migrations", name), { recursive: true });
  });

  it("a lock held by another session: tried again, rolled back, blocker named; works when it is gone", async () => {
    await checkout.addMigration("20260603000000_index", 'CREATE INDEX orders_odd ON "orders" ("id") WHERE false;');
    const holder = await checkout.connect();
    await holder.query('BEGIN; LOCK TABLE "orders" IN ROW EXCLUSIVE MODE');
    const pid = (await holder.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
    const blocked = await checkout.npm("start");
    assert.notEqual(blocked.exitCode, 0);
    assert.match(all(blocked), new RegExp(`pid ${pid} `));
    await holder.query("ROLLBACK");
    await holder.end();
    const free = await checkout.npm("start");
    assert.equal(free.exitCode, 0, all(free));
  });

  it("restore brings deleted rows back and keeps the old database", async () => {
    const before = await count('"orders"');
    assert.equal((await checkout.npm("db:backup")).exitCode, 0);
    await checkout.rows('DELETE FROM "payments"; DELETE FROM "order_items"; DELETE FROM "orders"');
    const restored = await checkout.npm("db:restore", ["--json"]);
    assert.equal(restored.exitCode, 0, all(restored));
    assert.equal(await count('"orders"'), before);
    const { kept } = JSON.parse(restored.stdout) as { kept: string };
    const old = await checkout.rows<{ n: string }>('SELECT count(*) AS n FROM "orders"', kept);
    assert.equal(old[0]?.n, "0");
  });

  it("holds no password in state, logs or evidence", async () => {
    const passwords = checkout.passwords();
    assert.ok(passwords.length >= 2);
    const exported = await checkout.npm("export", ["--stack", "local"]);
    assert.match(exported.stdout, /pipeline-verify/);
    const texts = [exported.stdout];
    const evidence = checkout.path(".local/backups");
    for (const entry of await readdir(evidence, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && /\.(json|log|md)$/.test(entry.name))
        texts.push(await readFile(`${entry.parentPath}/${entry.name}`, "utf8"));
    }
    assert.ok(texts.length > 10);
    for (const text of texts) for (const password of passwords) assert.ok(!text.includes(password));
  });

  it("refuses an edited migration and says which", async () => {
    const path = checkout.path("prisma/migrations/20260603000000_index/migration.sql");
    const sql = await readFile(path, "utf8");
    await writeFile(path, `${sql}\n-- edited\n`);
    const refused = await checkout.npm("start");
    assert.notEqual(refused.exitCode, 0);
    assert.match(all(refused), /edited afterwards: 20260603000000_index/);
    await writeFile(path, sql);
  });

  it("is given the data of another stack's backup, anonymised, by the store that the other's file names", async () => {
    const project = { schema: resolve("prisma/schema.prisma"), migrations: resolve("prisma/migrations") };
    await backupOfProd(pathToFileURL(checkout.path(".local/backups")).href, project, { users: 40, orders: 100 });
    await writeFile(checkout.path("Pulumi.prod.yaml"), "config: {}\n");
    const settings = checkout.path("Pulumi.local.yaml");
    await writeFile(settings, `${await readFile(settings, "utf8")}  safe-migration:refresh: { from: prod }\n`);
    const refreshed = await checkout.npm("db", ["refresh"]);
    assert.equal(refreshed.exitCode, 0, all(refreshed));
    assert.deepEqual(
      await checkout.rows(
        "SELECT count(*)::int, bool_and(email LIKE '%@anonymised.invalid') AS all FROM user_profiles",
      ),
      [{ count: 40, all: true }],
    );
  });

  it("destroy stops the cluster and keeps the data; the next start goes on with it", async () => {
    const orders = await count('"orders"');
    const destroyed = await checkout.npm("destroy");
    assert.equal(destroyed.exitCode, 0, all(destroyed));
    await assert.rejects(checkout.connect());
    const again = await checkout.npm("start");
    assert.equal(again.exitCode, 0, all(again));
    assert.equal(await count('"orders"'), orders);
    // What the refreshed data did not have yet.
    assert.ok((await outputs()).appliedNow.includes("20260601000000_function"));
  });
});
