import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import type { Database } from "../../pipeline/contracts.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { environmentSetting } from "../../pipeline/postgres/identity.js";
import { holdSnapshot } from "../../pipeline/postgres/snapshot.js";
import { backup } from "../../pipeline/stages/backup.js";
import { captureDatabase } from "../../pipeline/store/capture.js";
import { listBackups, scanBackups } from "../../pipeline/store/listBackups.js";
import { parseManifest } from "../../pipeline/store/manifest.js";
import { openStore } from "../../pipeline/store/open.js";
import { verifyBackup } from "../../pipeline/store/verifyBackup.js";
import { testCluster } from "../support/postgres.js";
import { backupOf, failsWith, query, quiet, recording, temporaryStore } from "./backupFixtures.js";

describe("backup", function () {
  this.timeout(120_000);
  const name = "backup_source";
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;

  before(async () => {
    database = await (await testCluster()).create(name);
    await query(
      database,
      `CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
       CREATE TABLE orders (id serial, total numeric); INSERT INTO orders (total) SELECT i FROM generate_series(1, 300) i;
       CREATE TABLE _prisma_migrations (migration_name text, checksum text, started_at timestamptz DEFAULT now(), finished_at timestamptz, rolled_back_at timestamptz);
       INSERT INTO _prisma_migrations VALUES ('1_init', 'abc', now(), now()), ('2_failed', 'def', now(), NULL)`,
    );
  });
  after(async () => (await testCluster()).drop(name));
  beforeEach(async () => (store = await temporaryStore()));
  afterEach(() => store.remove());

  const take = (run = "run") => backup(backupOf(database, store.url, run), quiet);
  const verify = (id = "run") => verifyBackup(openStore(store.url), "local", id);

  it("writes a manifest that holds everything there is to know, readable by its owner only", async () => {
    const result = await take();
    const manifest = await verify();
    assert.deepEqual([result.id, result.tables, result.rows, result.removed], ["run", 3, 20_302, []]);
    assert.deepEqual(manifest.identity, result.identity);
    assert.equal(manifest.fingerprints.sequences.find((sequence) => sequence.name === "orders_id_seq")?.last, "300");
    assert.deepEqual(
      manifest.migrations.map(({ name, rolledBackAt }) => [name, rolledBackAt]),
      [
        ["1_init", null],
        ["2_failed", null],
      ],
    );
    assert.ok(manifest.migrations[0]?.finishedAt && manifest.migrations[1]?.finishedAt === null);
    const folder = join(store.root, "local", "run");
    assert.deepEqual(await readdir(folder), ["dump", "manifest.json"]);
    for (const path of ["dump/toc.dat", "manifest.json"])
      assert.equal((await stat(join(folder, path))).mode & 0o077, 0);
    const sizes = await Promise.all(
      [...manifest.files.map(({ path }) => path), "manifest.json"].map((path) => stat(join(folder, path))),
    );
    assert.equal(
      result.bytes,
      sizes.reduce((sum, { size }) => sum + size, 0),
    );
    await verifyBackup(openStore(store.url), "local", "run", result.manifestSha256);
  });

  it("dumps and fingerprints one moment, while others write", async () => {
    let writing = true;
    const writer = withClient(database, { applicationName: "writer" }, async (client) => {
      while (writing)
        await client.query(
          "BEGIN; INSERT INTO orders (total) VALUES (1); UPDATE users SET name = name || 'x' WHERE id % 997 = 0; COMMIT",
        );
    });
    try {
      await take();
    } finally {
      writing = false;
      await writer;
    }
    // That both saw the same is proved by restoring: see restore.test.ts.
    const { fingerprints } = await verify();
    const [now] = await query<{ count: string }>(database, "SELECT count(*) FROM orders");
    assert.ok((fingerprints.tables.find((table) => table.name === "orders")?.rows ?? 0) <= Number(now?.count));
  });

  it("gives each backup of a run an identifier of its own", async () => {
    assert.equal((await take()).id, "run");
    assert.equal((await take()).id, "run-2");
    const both = await Promise.all([take(), take()]);
    assert.deepEqual(both.map(({ id }) => id).sort(), ["run-3", "run-4"]);
    assert.equal((await listBackups(openStore(store.url), "local")).length, 4);
  });

  it("keeps the newest and says which older ones went; other evidence in their folders stays", async () => {
    await take("a");
    await writeFile(join(store.root, "local/a/report.html"), "evidence");
    await take("b");
    const request = backupOf(database, store.url, "c");
    const result = await backup(
      { ...request, settings: { ...request.settings, backup: { ...request.settings.backup, jobs: 1, keep: 1 } } },
      quiet,
    );
    assert.deepEqual(result.removed, ["b", "a"]);
    assert.deepEqual(await readdir(join(store.root, "local")), ["a", "c", "database.json"]);
    assert.deepEqual(await readdir(join(store.root, "local/a")), ["report.html"]);
  });

  it("removes the half backup of a process that was killed, not that of a living one", async () => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const partial = async (run: string, pid: number) => {
      const staging = await openStore(store.url).stage(`local/${run}/dump`);
      await writeFile(join(staging.directory, "1.dat"), "half");
      const owner = JSON.parse(await readFile(`${staging.directory}.owner.json`, "utf8")) as object;
      await writeFile(`${staging.directory}.owner.json`, JSON.stringify({ ...owner, pid }));
    };
    await partial("killed", dead);
    await partial("alive", process.pid);
    await take();
    assert.deepEqual(await readdir(join(store.root, "local")), ["alive", "database.json", "run"]);
    assert.deepEqual(
      (await listBackups(openStore(store.url), "local")).map(({ id }) => id),
      ["run"],
    );
  });

  describe("that was changed afterwards", () => {
    beforeEach(() => take());
    const folder = () => join(store.root, "local", "run");
    const dataFile = async () => {
      const files = (await readdir(join(folder(), "dump"))).filter((file) => /^\d+\.dat/.test(file));
      return join(folder(), "dump", files[0] ?? "none");
    };
    const flip = async (path: string, at?: number) => {
      const file = await open(path, "r+");
      const position = at ?? Math.floor((await file.stat()).size / 2);
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
      buffer[0] = (buffer[0] ?? 0) ^ 1;
      await file.write(buffer, 0, 1, position);
      await file.close();
    };
    const damages: [string, () => Promise<void>, string, RegExp][] = [
      [
        "a bit of a table's data",
        async () => flip(await dataFile()),
        "BACKUP_DAMAGED",
        /\.dat\.\w+ is damaged: its content has changed/,
      ],
      [
        "a bit of the list of contents",
        () => flip(join(folder(), "dump/toc.dat")),
        "BACKUP_DAMAGED",
        /toc\.dat is damaged: its content/,
      ],
      [
        "a file cut short",
        async () => truncate(await dataFile(), 10),
        "BACKUP_DAMAGED",
        /\.dat\.\w+ is damaged: it has 10 bytes, the manifest says \d+/,
      ],
      [
        "a file made longer",
        () => appendFile(join(folder(), "dump/toc.dat"), "x"),
        "BACKUP_DAMAGED",
        /toc\.dat is damaged: it has/,
      ],
      ["a missing file", async () => rm(await dataFile()), "BACKUP_DAMAGED", /\.dat\.\w+ is damaged: it is missing/],
      [
        "a file too many",
        () => writeFile(join(folder(), "dump/9.dat"), ""),
        "BACKUP_DAMAGED",
        /9\.dat is damaged: it was not there/,
      ],
      [
        "a link in a file's place",
        async () => {
          const path = await dataFile();
          await cp(path, `${store.root}/elsewhere`);
          await rm(path);
          await symlink(`${store.root}/elsewhere`, path);
        },
        "BACKUP_DAMAGED",
        /no longer an ordinary file/,
      ],
      [
        "no dump",
        () => rm(join(folder(), "dump"), { recursive: true }),
        "BACKUP_DAMAGED",
        /dump is damaged: the folder is missing/,
      ],
      [
        "no manifest",
        () => rm(join(folder(), "manifest.json")),
        "NO_BACKUP",
        /no complete backup "run" .*Complete ones: none/,
      ],
      [
        "half a manifest",
        () => truncate(join(folder(), "manifest.json"), 500),
        "BACKUP_DAMAGED",
        /manifest\.json is damaged: it ends too early/,
      ],
      [
        "an empty manifest",
        () => truncate(join(folder(), "manifest.json"), 0),
        "BACKUP_DAMAGED",
        /manifest\.json is damaged/,
      ],
      [
        "a manifest with another number",
        async () => {
          const path = join(folder(), "manifest.json");
          await writeFile(path, (await readFile(path, "utf8")).replace('"rows": 20000', '"rows": 20001'));
        },
        "BACKUP_DAMAGED",
        /its own checksum does not hold/,
      ],
      [
        "a manifest with a space more",
        () => appendFile(join(folder(), "manifest.json"), " "),
        "BACKUP_DAMAGED",
        /its own checksum/,
      ],
      [
        "another backup's folder",
        async () => {
          await cp(folder(), join(store.root, "local/copy"), { recursive: true });
          await rm(folder(), { recursive: true });
          await cp(join(store.root, "local/copy"), folder(), { recursive: true });
          await flip(join(folder(), "dump/toc.dat"), 0);
        },
        "BACKUP_DAMAGED",
        /toc\.dat/,
      ],
    ];
    for (const [what, damage, code, message] of damages)
      it(`is refused: ${what}`, async () => {
        await verify();
        await damage();
        await assert.rejects(verify(), failsWith(code, message));
      });

    it("is refused under another name, and for another manifest than the result's", async () => {
      await cp(folder(), join(store.root, "local/copy"), { recursive: true });
      await assert.rejects(verify("copy"), failsWith("BACKUP_DAMAGED", /in another backup's folder/));
      const other = verifyBackup(openStore(store.url), "local", "run", "0".repeat(64));
      await assert.rejects(other, failsWith("BACKUP_DAMAGED", /not the manifest that the backup's result names/));
    });
    it("shows any flipped bit of the manifest", async () => {
      const text = await readFile(join(folder(), "manifest.json"));
      for (let at = 0; at < text.length; at += 37) {
        const changed = Buffer.from(text);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 7));
        assert.throws(() => parseManifest(changed.toString(), "it"), failsWith("BACKUP_DAMAGED"));
      }
    });
    it("is told apart from the complete ones", async () => {
      await take("other");
      await truncate(join(folder(), "manifest.json"), 100);
      const { complete, damaged } = await scanBackups(openStore(store.url), "local");
      assert.deepEqual([complete.map(({ id }) => id), damaged.map(({ id }) => id)], [["other"], ["run"]]);
    });
  });

  it("refuses a database that is not the one preflight saw, or another environment's", async () => {
    const result = await take();
    const request = backupOf(database, store.url);
    const preflight = {
      ...request,
      stage: "preflight" as const,
      at: result.at,
      durationMs: 0,
      databaseBytes: 1,
      applied: [],
      pending: [],
      warnings: [],
    };
    const identity = { ...result.identity, systemIdentifier: "1" };
    await assert.rejects(
      backup({ ...request, preflight: { ...preflight, identity } }, quiet),
      failsWith("OTHER_DATABASE"),
    );
    await query(database, `ALTER DATABASE ${name} SET ${environmentSetting} TO 'prod'`);
    await assert.rejects(take(), failsWith("WRONG_ENVIRONMENT", /"local".*"prod"/));
    await query(database, `ALTER DATABASE ${name} RESET ${environmentSetting}`);
  });

  it("never makes the database it was given by a wrong name", async () => {
    const missing = { ...database, name: "backup_sauce" };
    await assert.rejects(backup(backupOf(missing, store.url), quiet), failsWith("NO_DATABASE"));
    assert.deepEqual(await readdir(store.root), []);
  });

  it("stops when told to while it dumps, leaves no backup and nothing running", async () => {
    const stop = new AbortController();
    const { context } = recording(stop.signal);
    const progress = (message: string) => {
      if (message.startsWith("dumping")) stop.abort();
    };
    const working = backup(backupOf(database, store.url), { ...context, log: { ...context.log, progress } });
    await assert.rejects(working, failsWith("INTERRUPTED"));
    assert.deepEqual(await readdir(join(store.root, "local/run")), []);
    const [left] = await query<{ count: string }>(
      database,
      `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND application_name LIKE 'safe-migration%' AND state <> 'idle'`,
    );
    assert.equal(left?.count, "0");
  });

  describe("of a database in which a table is held exclusively", () => {
    before(() => query(database, "CREATE TABLE held (a int)"));
    after(() => query(database, "DROP TABLE held"));
    const whileHeld = (work: () => Promise<void>) =>
      withClient(database, { applicationName: "a migration" }, async (client) => {
        await client.query("BEGIN; LOCK TABLE held");
        await work();
      });

    it("names who holds it, and for how long it waited", () =>
      whileHeld(async () => {
        const holding = holdSnapshot(database, { lockTimeoutMs: 100, applicationName: "test", signal: quiet.signal });
        await assert.rejects(
          holding,
          failsWith("BLOCKED", /^held could not be read within 100 ms: .* pid \d+ \(\w+, a migration, idle in tr/),
        );
      }));
    it("stops waiting when told to", () =>
      whileHeld(async () => {
        const stop = new AbortController();
        const working = backup(backupOf(database, store.url), recording(stop.signal).context);
        setTimeout(() => stop.abort(), 300);
        await assert.rejects(working, failsWith("INTERRUPTED"));
      }));
  });

  it("says that the disk is too small before, and that it is full while it writes", async function () {
    if (process.getuid?.() !== 0) this.skip(); // Only root may mount the small file system that this needs.
    const mount = await mkdtemp(join(tmpdir(), "small-"));
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", mount]);
    if (mounted.status !== 0) this.skip(); // A container without the right to mount.
    try {
      const url = pathToFileURL(mount).href;
      await writeFile(join(mount, "filler"), Buffer.alloc(4_500_000));
      await assert.rejects(
        backup(backupOf(database, url), quiet),
        failsWith("DISK_SPACE", /has 2 MB free; a backup of "backup_source" .* needs about \d+ MB/),
      );
      await rm(join(mount, "filler"));
      await query(
        database,
        "CREATE TABLE noise AS SELECT i, gen_random_uuid()::text || gen_random_uuid() || gen_random_uuid() AS u FROM generate_series(1, 90000) i; ANALYZE",
      );
      const directory = join(mount, "dump");
      await mkdir(directory, { mode: 0o700 });
      const full = captureDatabase(database, { directory, jobs: 2, ...quiet });
      await assert.rejects(full, failsWith("DISK_FULL", /No space is left on the file system/));
    } finally {
      spawnSync("umount", [mount]);
      await rm(mount, { recursive: true, force: true });
      await query(database, "DROP TABLE IF EXISTS noise");
    }
  });

  it("says that the store cannot be written to", async function () {
    const place = join(store.root, "a file");
    await writeFile(place, "");
    await chmod(place, 0o400);
    await assert.rejects(
      backup(backupOf(database, pathToFileURL(place).href), quiet),
      failsWith("STORE", /a file cannot be used/),
    );
  });
});
