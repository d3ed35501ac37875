import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { Database, StageRequest } from "../../pipeline/contracts.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { measureTraffic } from "../../pipeline/window/traffic.js";
import { testCluster } from "../support/postgres.js";
import { requestOf } from "../support/stageRequest.js";
import { failsWith, quiet, recording, temporaryStore } from "./backupFixtures.js";

const sample = resolve(__dirname, "../../prisma");
const name = "window_shop";
/** Two hours that begin in six: closed now, whatever the clock says. */
const hour = (ahead: number) => new Date(Date.now() + ahead * 3_600_000).toISOString().slice(11, 13);
const later = { open: [{ from: `${hour(6)}:00`, to: `${hour(8)}:00` }] };

describe("maintenance window, on a database", () => {
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;

  before(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "shop" });
  });
  after(async () => {
    await store.remove();
    await (await testCluster()).drop(name);
  });

  const request = (window: object): StageRequest =>
    requestOf(
      { database, project: { schema: `${sample}/schema.prisma`, migrations: `${sample}/migrations` }, store },
      { run: "run-1", settings: { window } },
    );

  /**
   * Runs transactions in several sessions without a pause while something else is done. They read a table: from PostgreSQL 15 on, those
   * that read none are only told of with the next that does.
   */
  const whileBusy = async <T>(work: () => Promise<T>): Promise<T> => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => connect(database, { applicationName: "busy" })));
    let done = false;
    const load = clients.map(async (client) => {
      while (!done) await client.query("SELECT FROM pg_class LIMIT 1");
    });
    try {
      return await work();
    } finally {
      done = true;
      await Promise.all(load);
      await Promise.all(clients.map((client) => client.end()));
    }
  };

  it("preflight refuses outside, with the next opening", () =>
    assert.rejects(
      preflight(request(later), quiet),
      failsWith("OUTSIDE_WINDOW", /it opens \w{3} \d+ \w{3} \d{4}, .* \(in \d+ h/),
    ));

  it("a word lets it through, and is recorded and logged", async () => {
    const now = { reason: "the shop is down", by: "Ada", at: "2026-11-25T12:00:00.000Z" };
    const { context, lines } = recording();
    const result = await preflight(request({ ...later, now }), context);
    assert.deepEqual(result.window?.override, now);
    assert.ok(lines.some((line) => line.includes("on the word of Ada: the shop is down")));
  });

  it("a quiet database shows next to no transactions", async () => {
    assert.ok((await measureTraffic(database, 2, quiet.signal)) < 50);
  });

  it("preflight refuses a busy database where low traffic is asked for", async () => {
    // So little that a machine which has much else to do passes it too.
    const lowTraffic = { transactionsPerSecond: 1, sampleSeconds: 3 };
    await whileBusy(() => assert.rejects(preflight(request({ lowTraffic }), quiet), failsWith("TRAFFIC", /allows 1/)));
  });
});
