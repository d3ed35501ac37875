import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type BackupResult,
  type Database,
  type RehearseResult,
  type StageRequest,
  restoreRequest,
  rollbackRequest,
  stageRequest,
} from "../../pipeline/contracts.js";
import { withAdvisoryLock } from "../../pipeline/prisma/advisoryLock.js";
import { readDown } from "../../pipeline/prisma/down.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { takeBack } from "../../pipeline/prisma/takeBack.js";
import { backup } from "../../pipeline/stages/backup.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { restore } from "../../pipeline/stages/restore.js";
import { rollback } from "../../pipeline/stages/rollback.js";
import { verify } from "../../pipeline/stages/verify.js";
import { listBackups } from "../../pipeline/store/listBackups.js";
import { openStore } from "../../pipeline/store/open.js";
import { verifyBackup } from "../../pipeline/store/verifyBackup.js";
import { bundlePipeline } from "../../tools/build/bundle.js";
import { testCluster } from "../support/postgres.js";
import { apply, comparison, limits } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { random } from "../support/random.js";
import { databasesLike, maintain, query, quiet, temporaryStore } from "./backupFixtures.js";

const kills = 100;
/** Each as often as it is named. */
const stages = [
  "preflight",
  "backup",
  "backup",
  "rehearse",
  "rehearse",
  "migrate",
  "migrate",
  "migrate",
  "verify",
  "restore",
  "restore",
  "rollback",
] as const;
type StageName = (typeof stages)[number];

const migrations = {
  "1_init": 'CREATE TABLE "Thing" (id int PRIMARY KEY, n int); CREATE TABLE "Ledger" (id int PRIMARY KEY);',
  "2_note": `ALTER TABLE "Thing" ADD COLUMN note text;\nUPDATE "Thing" SET note = md5(n::text);`,
  "3_index": 'CREATE INDEX CONCURRENTLY "Thing_note_idx" ON "Thing" (note);',
};
const downs = {
  "2_note": 'ALTER TABLE "Thing" DROP COLUMN note;',
  "3_index": 'DROP INDEX CONCURRENTLY IF EXISTS "Thing_note_idx";',
};
const model = `model Thing {\n  id Int @id\n  n Int?\n  note String?\n  @@index([note])\n}\nmodel Ledger {\n  id Int @id\n}\n`;

/** `kill -9` of a stage's whole process group: what it started (`pg_dump`, `pg_restore`) goes with it. */
describe("the pipeline, killed anywhere", function () {
  this.timeout(900_000);
  const name = "killed_anywhere";
  const { seed, below } = random();
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let build: string;
  let cli: string;
  let staged: BackupResult;
  let rehearsal: RehearseResult;
  let runs = 0;
  /** Rows of the ledger that were committed; and how many of them the staged backup has. */
  const ledger = { written: 0, inBackup: 0 };

  const dropAll = async (keep?: string) => {
    const cluster = await testCluster();
    for (const each of await databasesLike(cluster.database(name), name)) if (each !== keep) await cluster.drop(each);
  };
  const base = (run = `run-${++runs}`): StageRequest =>
    stageRequest.parse({
      environment: "local",
      run,
      database,
      project: { schema: project.schema, migrations: project.migrations },
      store: store.url,
      settings: {
        backup: { keep: 3 },
        preflight: {},
        migrate: { probeEveryMs: 0 },
        risk: { risky: "pass", dangerous: "pass" },
      },
    });

  before(async () => {
    await dropAll();
    store = await temporaryStore();
    build = await mkdtemp(join(tmpdir(), "safe-migration-build-"));
    database = await (await testCluster()).create(name, { owner: "app owner" });
    project = await writeProject(migrations, model);
    for (const [migration, sql] of Object.entries(downs))
      await writeFile(join(project.migrations, migration, "down.sql"), sql);
    const { schema, migrations: folder } = project;
    const root = resolve(__dirname, "../..");
    ({ cli } = await bundlePipeline({ root, build, checks: undefined, schema, migrations: folder }));
    await apply(database, project, "1_init");
    await query(database, `INSERT INTO "Thing" SELECT i, i * 7 FROM generate_series(1, 500) i`);
    const request = base("staged");
    // Retention, which is at work all along, leaves a checkpoint.
    staged = await backup(request, quiet, { checkpoint: "staged" });
    rehearsal = await rehearse({ ...request, backup: staged }, quiet);
  });
  after(async () => {
    await dropAll();
    await store.remove();
    await project.remove();
    await rm(build, { recursive: true, force: true });
  });

  /** A process that has the stage loaded and waits for its request. */
  const spawnStage = (stage: StageName) =>
    spawn(process.execPath, [cli, "--log-level", "error", "--log-format", "json", stage], {
      detached: true,
      stdio: ["pipe", "ignore", "pipe"],
    });
  const requestOf = (stage: StageName): object => {
    const own = base("staged");
    switch (stage) {
      case "preflight":
      case "backup":
      case "verify":
        return base();
      case "rehearse":
        return { ...own, backup: staged };
      case "migrate":
        return { ...own, backup: staged, rehearsal };
      case "restore":
        return { ...base(), backup: staged.id };
      case "rollback":
        return { ...base(), to: "1_init" };
    }
  };
  const migrateNow = () => migrate({ ...base("staged"), backup: staged, rehearsal }, quiet);

  /** The next run of the same stage, which must succeed; and back to where every round begins. */
  const next: Readonly<Record<StageName, () => Promise<unknown>>> = {
    preflight: () => preflight(base(), quiet),
    backup: async () => {
      const { id, manifestSha256 } = await backup(base(), quiet);
      await verifyBackup(openStore(store.url), "local", id, manifestSha256);
    },
    rehearse: async () => {
      rehearsal = await rehearse({ ...base("staged"), backup: staged }, quiet);
      assert.equal(rehearsal.verdict, "proved");
    },
    migrate: async () => {
      await migrateNow();
      assert.deepEqual((await comparison(database, project)).pending, []);
    },
    verify: () => verify(base(), quiet),
    restore: async () => {
      await restore(restoreRequest.parse({ ...base(), backup: staged.id }), quiet);
      ledger.written = ledger.inBackup;
      await dropAll(name);
    },
    rollback: async () => {
      const { applied } = await comparison(database, project);
      if (applied.length > 1) await rollback(rollbackRequest.parse({ ...base(), to: "1_init" }), quiet);
    },
  };
  const needsMigrated = (stage: StageName) => stage === "verify" || stage === "rollback";

  /** Back to the first migration, without the work of a whole stage. */
  const reset = () =>
    withAdvisoryLock(database, 20_000, async () => {
      const folder = await readMigrations(project.migrations);
      for (const { name: migration, path } of (await comparison(database, project)).applied.toReversed()) {
        const down = await readDown({ name: migration, path });
        if (down !== undefined) await takeBack(database, migration, down, { ...limits, lockTimeoutMs: 5_000 });
      }
      assert.equal(folder.migrations.length, 3);
    });

  /** What the server still does for a process that is gone ends by itself. */
  const settled = async () => {
    for (let waited = 0; waited < 1_000; waited++) {
      const busy = await maintain(
        database,
        `SELECT FROM pg_stat_activity WHERE application_name LIKE 'safe-migration%' AND datname NOT LIKE 'template%'
           AND (datname LIKE '${name}%' OR datname LIKE 'safe_migration_shadow_%' OR query LIKE '%${name}%')`,
      );
      if (busy.length === 0) return;
      await sleep(20);
    }
    assert.fail("sessions of the killed process go on");
  };

  /** Nothing that was committed is lost: it is in the database, or, once another took its place, in the one that is kept. */
  const assertIntact = async (where: string) => {
    const names = await databasesLike(database, name);
    assert.ok(names.includes(name), `${where}: the database is gone`);
    let most = 0;
    for (const each of names.filter((one) => one === name || one.startsWith(`${name}_before_`))) {
      const there = { ...database, name: each };
      const [things] = await query<{ seen: string }>(
        there,
        `SELECT count(*) || ' ' || sum(id) || ' ' || sum(n) AS seen FROM "Thing"`,
      );
      assert.equal(things?.seen, "500 125250 876750", `${where}: ${each}`);
      const [rows] = await query<{ n: number }>(there, 'SELECT count(*)::int AS n FROM "Ledger"');
      most = Math.max(most, rows?.n ?? 0);
    }
    assert.equal(most, ledger.written, `${where}: rows that were committed are lost`);
    const [newest] = await listBackups(openStore(store.url), "local");
    await verifyBackup(openStore(store.url), "local", newest?.id ?? "");
  };

  it(`at ${kills} random moments loses nothing, and the next run succeeds`, async () => {
    const draw = (): StageName => stages[below(stages.length)] ?? "backup";
    /** How often in a row: the next run may be killed, too. What is taken back already is refused, so that one only once. */
    const drawTries = (of: StageName): number => (of === "rollback" ? 1 : 1 + below(3));
    /** How long a stage takes, in milliseconds, as far as is known: the moments are spread over that. */
    const span = new Map<StageName, number>();
    const killed = new Map<StageName, number>();
    let stage = draw();
    let tries = drawTries(stage);
    let begins = true;
    let child: ChildProcess = spawnStage(stage);
    for (let count = 0, round = 0; count < kills; round++) {
      assert.ok(round < kills * 3, `seed ${seed}: only ${count} of ${round} runs were ended by a kill`);
      if (begins) {
        if (needsMigrated(stage)) await migrateNow();
        await query(database, 'INSERT INTO "Ledger" VALUES ($1)', [++ledger.written]);
      }
      const wait = below(Math.ceil(span.get(stage) ?? 600));
      const where = `seed ${seed}, round ${round}, ${stage} killed after ${wait} ms`;
      const started = performance.now();
      const ended = once(child, "exit");
      let said = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
      child.stdin?.on("error", () => undefined).end(JSON.stringify(requestOf(stage)));
      await Promise.race([ended, sleep(wait)]);
      if (child.exitCode === null && child.pid !== undefined) {
        process.kill(-child.pid, "SIGKILL");
        await ended;
        count++;
        killed.set(stage, (killed.get(stage) ?? 0) + 1);
      } else {
        assert.equal(child.exitCode, 0, `${where}: it failed by itself: ${said}`);
        span.set(stage, performance.now() - started);
      }
      const done = stage;
      begins = --tries === 0;
      if (begins) {
        stage = draw();
        tries = drawTries(stage);
      }
      // Starts while the database is looked at.
      child = spawnStage(stage);
      await settled();
      await assertIntact(where);
      if (!begins) continue;
      try {
        await next[done]();
      } catch (error) {
        assert.fail(
          `${where}: the next run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
      await assertIntact(`${where}, after the next run`);
      await reset();
    }
    child.kill("SIGKILL");
    // Whatever was left on the way is cleared by those that come after: of each kind, by the stage that makes it.
    await settled();
    await next.restore();
    await next.preflight();
    assert.deepEqual(await databasesLike(database, name), [name]);
    assert.deepEqual(await databasesLike(database, "safe_migration_shadow_"), []);
    for (const each of new Set(stages))
      assert.ok((killed.get(each) ?? 0) > 0, `${each} was never killed (seed ${seed})`);
  });
});
