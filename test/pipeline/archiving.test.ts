import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../pipeline/contracts.js";
import { type LocalCluster, databaseOf, ensureCluster } from "../../pipeline/local/cluster.js";
import { ensureRole } from "../../pipeline/local/role.js";
import { silent } from "../../pipeline/log.js";
import { type Archiver, assertArchiving, readArchiver } from "../../pipeline/postgres/archiver.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { readServer } from "../../pipeline/measure/server.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { loadSchema } from "../../pipeline/prisma/schema.js";
import { RestorePoints } from "../../pipeline/postgres/restorePoint.js";
import { discard, fast, temporaryDirectory } from "../support/postgres.js";
import { query } from "./backupFixtures.js";

const prisma = resolve(__dirname, "../../prisma");

/** A server of its own that archives its log, with a command that fails at first. */
describe("a server that archives its log", function () {
  this.timeout(120_000);
  let directory: string;
  let cluster: LocalCluster;
  let database: Database;
  const sql = (text: string) => query<Record<string, string>>(database, text);

  before(async () => {
    directory = await temporaryDirectory();
    const settings = { ...fast, archive_mode: "on", archive_command: "false" };
    const { signal } = new AbortController();
    cluster = await ensureCluster({ directory, settings, log: silent, signal });
    database = databaseOf(cluster, "postgres");
  });
  after(() => discard(directory));

  const archiver = () => withClient(database, { applicationName: "safe-migration test" }, readArchiver);
  const seen = async (wanted: (now: Archiver) => boolean): Promise<Archiver> => {
    for (;;) {
      const now = await archiver();
      if (wanted(now)) return now;
      await sleep(50);
    }
  };

  it("gets a restore point in its log, at the place and under the name that are told", async function () {
    // Comes with PostgreSQL 15.
    const inspects = "SELECT name FROM pg_available_extensions WHERE name = 'pg_walinspect'";
    if ((await sql(inspects)).length === 0) return this.skip();
    const points = new RestorePoints(database, "run-1", silent);
    const point = await points.before("20260101000000_a");
    assert.ok(point);
    assert.equal(point.name, "safe-migration:run-1:20260101000000_a");
    await sql("CREATE EXTENSION pg_walinspect");
    // The place that is told is where the record ends.
    const records = await sql(
      `SELECT end_lsn::text AS lsn, description FROM pg_get_wal_records_info('${point.lsn}'::pg_lsn - 4096, '${point.lsn}')
        WHERE record_type = 'RESTORE_POINT'`,
    );
    assert.deepEqual(
      records.map(({ lsn, description }) => [lsn, description]),
      [[point.lsn, point.name]],
    );
    assert.ok(Math.abs(Date.parse(point.at) - Date.now()) < 600_000);
  });

  it("says once, with the SQL that gives it, where the role lacks the right", async () => {
    await withClient(database, { applicationName: "safe-migration test" }, (client) =>
      ensureRole(client, cluster, "poor"),
    );
    const said: string[] = [];
    const log = { ...silent, warn: (message: string) => void said.push(message) };
    const points = new RestorePoints({ ...database, user: "poor" }, "run-1", log);
    for (const migration of ["a", "b"]) assert.equal(await points.before(migration), undefined);
    assert.equal(said.length, 1);
    const grant = /GRANT EXECUTE .*;$/.exec(said[0] ?? "")?.[0] ?? assert.fail(said[0]);
    await sql(grant);
    const again = new RestorePoints({ ...database, user: "poor" }, "run-1", log);
    assert.equal((await again.before("c"))?.name, "safe-migration:run-1:c");
  });

  it("refuses a run while its archive command fails, and lets it pass once it does not", async () => {
    await sql("SELECT pg_switch_wal()");
    const failing = await seen((now) => now.failing);
    const waiting = await withClient(database, { applicationName: "safe-migration test" }, async (client) =>
      readServer(
        client,
        await readMigrations(join(prisma, "migrations")),
        await loadSchema(join(prisma, "schema.prisma")),
      ),
    );
    assert.ok(waiting.archiveWaitSeconds !== undefined && waiting.archiveWaitSeconds >= 0);
    assert.throws(() => assertArchiving(failing, "refuse"), /is not archived: [0-9A-F]{24} failed at/);
    await sql("ALTER SYSTEM SET archive_command = 'true'");
    await sql("SELECT pg_reload_conf()");
    assert.deepEqual(assertArchiving(await seen((now) => !now.failing), "refuse"), []);
  });
});
