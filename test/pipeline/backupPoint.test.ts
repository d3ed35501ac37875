import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../pipeline/contracts.js";
import { silent } from "../../pipeline/log.js";
import { connect, withClient } from "../../pipeline/postgres/connection.js";
import { run } from "../../pipeline/process.js";
import { type PointOptions, type TakenPoint, readCommitted, takePoint } from "../../pipeline/recovery/point.js";
import { parseSnapshot, unseen } from "../../pipeline/recovery/snapshots.js";
import { type TestCluster, testCluster } from "../support/postgres.js";
import { failsWith, query } from "./backupFixtures.js";

/** The end of a backup that is no dump: a snapshot and a restore point of one state, held against the server's own log. */
describe("the snapshot and the restore point of a backup", function () {
  this.timeout(60_000);
  let shared: TestCluster;
  let database: Database;
  let names = 0;
  const name = "backup_point";
  const application = { applicationName: "safe-migration test" };

  before(async () => {
    shared = await testCluster();
    database = await shared.create(name);
    await query(database, "CREATE TABLE items (id int); CREATE SEQUENCE numbers; SELECT nextval('numbers')");
  });
  after(() => shared.drop(name));

  const take = (migrate: Partial<PointOptions["migrate"]> = {}, more: Partial<PointOptions> = {}) =>
    takePoint(database, {
      ...more,
      name: () => `point-${names++}`,
      lockTimeoutMs: 5_000,
      migrate: { lockTimeoutMs: 1_000, lockRetries: 20, retryDelayMs: 10, retryDelayMaxMs: 100, ...migrate },
      log: silent,
      signal: new AbortController().signal,
    });
  const place = () => query<{ lsn: string }>(database, "SELECT pg_current_wal_insert_lsn()::text AS lsn");

  /** The transactions whose end is in the log between two places, which are those that a recovery up to there has in addition. */
  const committedInLog = async (from: string, to: string): Promise<string[]> => {
    await query(database, "SELECT pg_switch_wal()");
    const { data, binaries } = shared.cluster;
    const args = ["--path", join(data, "pg_wal"), "--start", from, "--end", to, "--rmgr", "Transaction"];
    const { stdout, stderr, exitCode } = await run(join(binaries, "pg_waldump"), args);
    assert.equal(exitCode, 0, stderr);
    return [...stdout.matchAll(/tx: +(\d+), .*desc: COMMIT /g)].map(([, id]) => id ?? "");
  };
  const assertOneState = async ({ snapshot, restorePoint }: TakenPoint, from: string) => {
    const [after] = await query<{ now: string }>(database, "SELECT pg_current_snapshot()::text AS now");
    const missing = new Set(unseen(parseSnapshot(snapshot), parseSnapshot(after?.now ?? "")).map(String));
    const both = (await committedInLog(from, restorePoint.lsn)).filter((id) => missing.has(id));
    assert.deepEqual(both, [], `${snapshot} up to ${restorePoint.lsn}`);
  };

  /** Sessions that commit one row after the other, until it is over. */
  const underLoad = async <T>(work: () => Promise<T>): Promise<T> => {
    const clients = await Promise.all([1, 2, 3].map(() => connect(database, application)));
    let over = false;
    const writers = clients.map(async (client) => {
      while (!over) await client.query("INSERT INTO items VALUES (1)");
    });
    try {
      return await work();
    } finally {
      over = true;
      await Promise.all(writers);
      await Promise.all(clients.map((client) => client.end()));
    }
  };

  it("are of one state where nobody commits, although somebody is writing; nobody is held off", async () => {
    await withClient(database, application, async (writer) => {
      await writer.query("BEGIN; INSERT INTO items VALUES (2)");
      const { rows: of } = await writer.query<{ id: string }>("SELECT pg_current_xact_id()::text AS id");
      const id = BigInt(of[0]?.id ?? "");
      const [from] = await place();
      const taken = await take();
      try {
        assert.equal(taken.writersHeld, false);
        assert.deepEqual(
          taken.sequences.map(({ name: sequence, last }) => [sequence, last]),
          [["numbers", "1"]],
        );
        assert.deepEqual(await withClient(database, application, (client) => readCommitted(client, [id])), []);
        await writer.query("COMMIT");
        assert.deepEqual(await withClient(database, application, (client) => readCommitted(client, [id])), [
          String(id),
        ]);
        const { rows } = await taken.held.client.query("SELECT FROM public.items WHERE id = 2");
        assert.equal(rows.length, 0);
        await assertOneState(taken, from?.lsn ?? "");
      } finally {
        await taken.held.release();
      }
    });
  });

  it("are of one state whatever others commit meanwhile", async () => {
    await underLoad(async () => {
      for (let times = 0; times < 2; times++) {
        const [from] = await place();
        const taken = await take({}, { quietTries: 5 });
        await taken.held.release();
        await assertOneState(taken, from?.lsn ?? "");
      }
    });
  });

  it("are of one state where there is no instant without a commit: writers are held off for one, and go on", async () => {
    const [from] = await place();
    const rows = async () => (await query<{ n: number }>(database, "SELECT count(*)::int AS n FROM items"))[0]?.n ?? 0;
    await underLoad(async () => {
      const taken = await take({}, { quietTries: 0 });
      try {
        assert.equal(taken.writersHeld, true);
        await assertOneState(taken, from?.lsn ?? "");
        const before = await rows();
        while ((await rows()) <= before) await sleep(10);
      } finally {
        await taken.held.release();
      }
    });
  });

  it("are not taken where a writer does not make way: that is told, and nobody waits behind it any more", async () => {
    const holder = await connect(database, application);
    try {
      await holder.query("BEGIN; INSERT INTO items VALUES (3)");
      await assert.rejects(
        underLoad(() => take({ lockTimeoutMs: 20, lockRetries: 1 }, { quietTries: 2 })),
        failsWith(
          "BACKUP_BUSY",
          /in 2 tries somebody always committed, and in 2 more the tables could not be held for it within 20 ms/,
        ),
      );
    } finally {
      await holder.end();
    }
    const locks = "SELECT FROM pg_locks WHERE mode = 'ShareLock' AND relation = 'items'::regclass";
    assert.equal((await query(database, locks)).length, 0);
  });
});
