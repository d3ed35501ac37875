import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { StageContext } from "../../pipeline/context.js";
import {
  type BackupResult,
  type Database,
  type RecoverResult,
  type StageRequest,
  recoverRequest,
} from "../../pipeline/contracts.js";
import { findPm2, parseList } from "../../pipeline/application/pm2.js";
import { PipelineError } from "../../pipeline/errors.js";
import { ensureSample } from "../../pipeline/local/sample.js";
import { run } from "../../pipeline/process.js";
import { backup } from "../../pipeline/stages/backup.js";
import { recover } from "../../pipeline/stages/recover.js";
import { startLoad } from "../support/application/load.js";
import { type Pm2Application, startApplication } from "../support/application/pm2Application.js";
import { testCluster } from "../support/postgres.js";
import { requestOf } from "../support/stageRequest.js";
import { thrownBy } from "../support/thrownBy.js";
import { failsWith, maintain, query, quiet, recording, temporaryStore } from "./backupFixtures.js";

const sample = resolve(__dirname, "../../prisma");
const name = "recover_shop";

/** The application under real pm2, on a real server. */
describe("recover", function () {
  this.timeout(120_000);
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let application: Pm2Application;
  let made: BackupResult;
  const before_ = { ...process.env };
  let runs = 0;

  const request = (settings: object = {}): StageRequest =>
    requestOf(
      { database, project: { schema: `${sample}/schema.prisma`, migrations: `${sample}/migrations` }, store },
      {
        run: `run-${++runs}`,
        settings: { application: { process: application.process, healthUrl: application.healthUrl }, ...settings },
      },
    );
  const recovering = (context: StageContext = quiet, settings: object = {}): Promise<RecoverResult> =>
    recover(recoverRequest.parse({ ...request(settings), backup: made.id }), context);
  const outcomes = ({ steps }: RecoverResult) => steps.map(({ step, outcome }) => `${step} ${outcome}`);
  /** Stops the recovery once it has logged that a step is done. */
  const stoppedAfter = async (step: string): Promise<PipelineError> => {
    const stop = new AbortController();
    const { context } = recording(stop.signal);
    const info = (message: string) => {
      if (message.startsWith(`${step}: `)) stop.abort(new Error("SIGTERM"));
    };
    const error = await thrownBy(recovering({ ...context, log: { ...context.log, info } }), PipelineError);
    assert.equal(error.kind, "interrupted");
    return error;
  };
  const orders = async (of = name) =>
    (await query<{ orders: number }>({ ...database, name: of }, "SELECT count(*)::int AS orders FROM orders"))[0]
      ?.orders;
  /** What a migration that was applied in part leaves. */
  const spoil = () =>
    query(database, "ALTER TABLE orders RENAME COLUMN total TO amount; DELETE FROM order_items WHERE id < 50");

  before(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "shop" });
    const project = { schema: `${sample}/schema.prisma`, migrations: `${sample}/migrations` };
    await ensureSample(database, project, { users: 40, orders: 200, ...quiet });
    application = await startApplication({ process: "recover-shop", database });
    Object.assign(process.env, application.env);
    made = await backup(request(), quiet);
  });
  after(async () => {
    await application.remove();
    for (const key of Object.keys(application.env)) {
      if (before_[key] === undefined) delete process.env[key];
      else process.env[key] = before_[key];
    }
    await store.remove();
    for (const { datname } of await maintain<{ datname: string }>(
      database,
      "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
      [name],
    ))
      await (await testCluster()).drop(datname);
  });

  it("stops the application, restores, starts it, and sees that it is healthy; nothing that was written is gone", async () => {
    const load = startLoad({
      url: application.url,
      readsPerSecond: 20,
      writesPerSecond: 10,
      refusedAfterMs: 1_000,
      timeoutMs: 2_000,
      prefix: "r1-",
    });
    while (load.seen().acknowledged.length < 5) await new Promise((later) => setTimeout(later, 20));
    await spoil();
    const result = await recovering();
    // Requests are answered again.
    const answered = load.seen().acknowledged.length;
    while (load.seen().acknowledged.length === answered) await new Promise((later) => setTimeout(later, 20));
    const { acknowledged, unknown, refusedMs } = await load.stop();
    assert.deepEqual(outcomes(result), ["stop done", "restore done", "start done", "health done"]);
    assert.match(result.setAside.join("\n"), /public\.orders/);
    assert.ok(result.downMs !== undefined && refusedMs > 0);
    assert.ok(result.restored?.kept !== undefined);
    const found = async (of: string) =>
      (
        await query<{ number: string }>({ ...database, name: of }, "SELECT number FROM orders WHERE number LIKE 'r1-%'")
      ).map(({ number }) => number);
    const [now, kept] = [await found(name), await found(result.restored.kept)];
    assert.deepEqual(
      acknowledged.filter((number) => !now.includes(number) && !kept.includes(number)),
      [],
      "each order that was taken is in the database or in the one that is kept",
    );
    assert.ok(kept.length > 0 && unknown.length > 0);
    const [column] = await query<{ column: string }>(
      database,
      "SELECT attname AS column FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname IN ('total', 'amount')",
    );
    assert.equal(column?.column, "total");
  });

  it("goes on where it was stopped: after the application was stopped", async () => {
    await spoil();
    const error = await stoppedAfter("stop");
    assert.match(error.state, /"recover-shop" may be stopped\. The database was not changed/);
    assert.match(error.next, /npm run recover -- --backup .* goes on from here; .*pm2 start recover-shop/);
    assert.deepEqual(outcomes(await recovering()), ["stop already", "restore done", "start done", "health done"]);
    assert.equal(await orders(), 200);
  });

  it("goes on where it was stopped: after the backup was restored", async () => {
    await spoil();
    const error = await stoppedAfter("restore");
    assert.match(error.state, /is in place; what was there is kept as/);
    const result = await recovering();
    assert.deepEqual(outcomes(result), ["stop already", "restore already", "start done", "health done"]);
    assert.deepEqual(result.setAside, []);
    assert.equal(result.restored, undefined);
  });

  it("restores nothing where the database is what the backup holds", async () => {
    const result = await recovering();
    assert.deepEqual(outcomes(result), ["stop done", "restore already", "start done", "health done"]);
  });

  it("says that an application does not become healthy", async () => {
    const elsewhere = { application: { process: application.process, healthUrl: `${application.url}/nowhere` } };
    const stop = new AbortController();
    const { context } = recording(stop.signal);
    const info = (message: string) => {
      if (message.startsWith("start: ")) setTimeout(() => stop.abort(new Error("enough")), 500);
    };
    await assert.rejects(recovering({ ...context, log: { ...context.log, info } }, elsewhere), (error: unknown) => {
      assert.ok(error instanceof PipelineError);
      assert.match(error.message, /Recovery stopped at the step "health"/);
      assert.match(error.state, /"recover-shop" was started/);
      return true;
    });
  });

  describe("touches nothing", () => {
    it("where pm2 does not know the process", async () => {
      const other = { application: { process: "somebody-else" } };
      await assert.rejects(recovering(quiet, other), failsWith("NO_APPLICATION", /it knows: recover-shop/));
    });

    it("where there is no pm2", async () => {
      const { PATH, SAFE_MIGRATION_PM2 } = process.env;
      process.env["PATH"] = "/nonexistent";
      delete process.env["SAFE_MIGRATION_PM2"];
      try {
        await assert.rejects(recovering(), failsWith("NO_PM2", /no program pm2/));
      } finally {
        Object.assign(process.env, { PATH, SAFE_MIGRATION_PM2 });
      }
    });

    it("where there is no such backup", async () => {
      const absent = recoverRequest.parse({ ...request(), backup: "absent" });
      await assert.rejects(recover(absent, quiet), (error: unknown) => error instanceof PipelineError);
      const { stdout } = await run(process.env["SAFE_MIGRATION_PM2"] ?? "", ["jlist"]);
      assert.equal(parseList(stdout)[0]?.pm2_env.status, "online");
    });
  });

  it("takes the machine's pm2, not the one that npm puts before it", () => {
    assert.equal(findPm2({ PATH: resolve(__dirname, "../../node_modules/.bin") }), undefined);
    assert.equal(findPm2({ SAFE_MIGRATION_PM2: "/opt/pm2" }), "/opt/pm2");
  });
});
