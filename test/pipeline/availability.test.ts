import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Database, type MigrateResult, settingsSchema } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { retrying } from "../../pipeline/migrating/retrying.js";
import { MigrationFailure } from "../../pipeline/prisma/apply.js";
import { ScriptFailure } from "../../pipeline/prisma/script.js";
import { backup } from "../../pipeline/stages/backup.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { testCluster } from "../support/postgres.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { thrownBy } from "../support/thrownBy.js";
import { query, recording, temporaryStore, unrehearsed } from "./backupFixtures.js";

/** What the application meets while a migration runs, on a real server. */
describe("availability while migrating", function () {
  this.timeout(60_000);
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  before(async () => (store = await temporaryStore()));
  beforeEach(async () => {
    database = await (await testCluster()).create("availability", { owner: "app owner" });
    project = await writeProject({ "0_init": `CREATE TABLE "Order" (id int PRIMARY KEY, note text);` });
    await run();
    await query(database, `INSERT INTO "Order" SELECT i, 'Ana ' || i FROM generate_series(1, 100) i`);
  });
  afterEach(() => project.remove());
  after(async () => {
    await store.remove();
    await (await testCluster()).drop("availability");
  });

  const settingsOf = (settings: object, application: object = {}) =>
    settingsSchema.parse({
      backup: {},
      preflight: {},
      migrate: { probeEveryMs: 10, refusedAfterMs: 100, lockTimeoutMs: 300, lockRetries: 0, ...settings },
      application,
    });
  const run = async (
    settings: object = {},
    application: object = {},
    context = recording().context,
  ): Promise<MigrateResult> => {
    const base = requestOf(
      { database, project, store },
      { run: `run-${++runs}`, settings: settingsOf(settings, application) },
    );
    return migrate(unrehearsed(base, await backup(base, context)), context);
  };
  const failure = (work: Promise<unknown>) => thrownBy(work, PipelineError);
  const columns = async () =>
    (
      await query<{ column: string }>(
        database,
        `SELECT attname AS column FROM pg_attribute WHERE attrelid = '"Order"'::regclass AND attnum > 2`,
      )
    ).map(({ column }) => column);

  it("refuses nobody with a change of an instant", async () => {
    await project.migration("1_safe", `ALTER TABLE "Order" ADD COLUMN a int;`);
    const { availability } = await run();
    assert.ok(availability !== undefined && availability.requests > 0);
    assert.equal(availability.refused, 0);
    assert.deepEqual(availability.targets.map(({ target }) => target).sort(), [
      "public.Order read",
      "public.Order write",
    ]);
  });

  it("sees a lock that keeps out writers, and not readers", async () => {
    await project.migration("1_index", `CREATE INDEX ON "Order" (note); SELECT pg_sleep(0.5);`);
    const { availability } = await run();
    const refused = availability?.targets.filter((target) => target.refused > 0).map(({ target }) => target);
    assert.deepEqual(refused, ["public.Order write"]);
    assert.ok((availability?.longestRefusedMs ?? 0) > 0);
  });

  it("sees by the sessions that wait what no probe meets: a row that is held", async () => {
    await project.migration("1_rows", `UPDATE "Order" SET note = 'x' WHERE id = 1; SELECT pg_sleep(1);`);
    const running = run();
    const client = await connect(database, { applicationName: "the shop" });
    const sleeping = `SELECT FROM pg_stat_activity WHERE application_name = 'safe-migration script' AND query LIKE '%pg_sleep%' AND state = 'active'`;
    while ((await client.query(sleeping)).rowCount === 0) await sleep(10);
    await client.query(`UPDATE "Order" SET note = 'mine' WHERE id = 1`);
    await client.end();
    const { availability } = await running;
    assert.equal(availability?.waited.sessions, 1);
    assert.ok((availability?.refusedMs ?? 0) > 0);
  });

  it("stops and rolls back a migration that keeps the application out for longer than the budget", async () => {
    await project.migration("1_long", `ALTER TABLE "Order" ADD COLUMN a int; SELECT pg_sleep(50);`);
    const error = await failure(run({ maxRefusedMs: 300 }));
    assert.equal(error.code, "AVAILABILITY_BUDGET");
    assert.equal(error.kind, "failedUnchanged");
    assert.match(error.message, /had been refused for \d+ ms, and migrate\.maxRefusedMs allows 300 ms/);
    assert.deepEqual(await columns(), []);
    await project.migration("1_long", `ALTER TABLE "Order" ADD COLUMN a int;`);
    assert.equal((await run()).applied.length, 1, "nothing of the attempt is in the way");
    assert.deepEqual(await columns(), ["a"]);
  });

  it("gives up waiting for a lock when those who wait behind it have been refused for the budget", async () => {
    await project.migration("1_blocked", `ALTER TABLE "Order" ADD COLUMN a int;`);
    const holder = await connect(database, { applicationName: "a slow report" });
    await holder.query(`BEGIN; SELECT FROM "Order" WHERE note = 'Ana Secret'`);
    const error = await failure(run({ lockTimeoutMs: 60_000, maxRefusedMs: 400 }));
    assert.match(error.code, /AVAILABILITY_BUDGET|LOCK_TIMEOUT/);
    assert.match(error.message, /It waited 1 time\(s\) for: pid \d+ \(.*a slow report/);
    assert.doesNotMatch(error.message, /Secret/, "a value of a row is not shown");
    assert.match(error.next, /End or wait for those sessions/);
    await holder.end();
    assert.deepEqual(await columns(), []);
  });

  it("does not ask again while the session that it waited for is in the same transaction", async () => {
    await project.migration("1_blocked", `ALTER TABLE "Order" ADD COLUMN a int;`);
    const holder = await connect(database, { applicationName: "a slow report" });
    await holder.query(`BEGIN; SELECT FROM "Order"`);
    const { context, lines } = recording();
    // The report ends as soon as the migration holds back because of it.
    const log = {
      ...context.log,
      warn: (line: string) => (context.log.warn(line), /not begun/.test(line) && release()),
    };
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve)).then(() => holder.query("COMMIT"));
    const { applied } = await run({ lockTimeoutMs: 500, lockRetries: 50, retryDelayMs: 10 }, {}, { ...context, log });
    await released;
    await holder.end();
    assert.equal(applied.length, 1);
    assert.match(lines.join("\n"), /1_blocked: waited 500 ms for a lock[^]*1_blocked: not begun, as it would wait/);
  });

  it("gives autovacuum the time after which PostgreSQL ends it", async () => {
    const vacuum = { pid: 1, application: "", user: "", state: "active", seconds: 9, query: "autovacuum: VACUUM x" };
    const waits: number[] = [];
    const { migrate: settings } = settingsOf({ lockTimeoutMs: 300, lockRetries: 2, retryDelayMs: 1 });
    const watch = {
      ...{ exceeded: new AbortController().signal, refusedMs: () => 0, nextAttempt: () => undefined },
      ...{ blockers: () => [{ ...vacuum, background: true }], stop: () => Promise.resolve() },
    };
    const { attempts } = await retrying(
      { name: "1_vacuumed", settings, context: recording().context, watch, database, locks: [] },
      {
        run: ({ lockTimeoutMs }) => {
          waits.push(lockTimeoutMs);
          const report = { sqlState: "55P03", message: "", line: undefined, column: undefined, excerpt: "" };
          if (waits.length > 1) return Promise.resolve({ durationMs: 1 });
          return Promise.reject(new MigrationFailure("1_vacuumed", new ScriptFailure(report, "aborted", undefined)));
        },
        undone: () => Promise.resolve(),
        failed: (error) => error,
      },
    );
    assert.equal(attempts, 2);
    assert.deepEqual(waits, [300, 1_300]);
  });

  it("counts the application's health, unless it was ill before", async () => {
    let asked = 0;
    const server = createServer((_request, response) => response.writeHead(++asked < 4 ? 200 : 503).end());
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const healthUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health?token=secret`;
    try {
      await project.migration("1_health", `SELECT pg_sleep(0.3);`);
      const { availability } = await run({}, { healthUrl });
      const health = availability?.targets.find(({ target }) => target.startsWith("GET "));
      assert.ok(health !== undefined && health.refused > 0, JSON.stringify(availability));
      assert.doesNotMatch(health.target, /secret/);
      await project.migration("2_ill", `ALTER TABLE "Order" ADD COLUMN b int;`);
      const ill = await run({}, { healthUrl });
      assert.equal(
        ill.availability?.targets.some(({ target }) => target.startsWith("GET ")),
        false,
      );
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
