import assert from "node:assert/strict";
import { readFile, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Database } from "../../pipeline/contracts.js";
import { connect, maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { withPipelineLock } from "../../pipeline/postgres/pipelineLock.js";
import { renderMark } from "../../pipeline/postgres/scratchName.js";
import { swapDatabases } from "../../pipeline/postgres/swap.js";
import { backup } from "../../pipeline/stages/backup.js";
import { restore } from "../../pipeline/stages/restore.js";
import { type Manifest, parseManifest, renderManifest } from "../../pipeline/store/manifest.js";
import { openStore } from "../../pipeline/store/open.js";
import { newestProved } from "../../pipeline/store/proof.js";
import { testCluster } from "../support/postgres.js";
import {
  backupOf,
  databasesLike,
  failsWith,
  maintain,
  query,
  quiet,
  recording,
  restoreOf,
  rowsOf,
  temporaryStore,
} from "./backupFixtures.js";

describe("restore", function () {
  this.timeout(120_000);
  const name = "restored";
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;

  const dropAll = async () => (await testCluster()).dropLike(name);
  beforeEach(async () => {
    await dropAll();
    store = await temporaryStore();
    database = await (await testCluster()).create(name);
    await query(database, "CREATE TABLE items AS SELECT i, md5(i::text) AS name FROM generate_series(1, 5000) i");
  });
  afterEach(() => store.remove());
  after(dropAll);

  const take = (run = "run") => backup(backupOf(database, store.url, run), quiet);
  const put = (id?: string, context = quiet) => restore(restoreOf(database, store.url, id), context);
  const damage = () => query(database, "DELETE FROM items WHERE i > 10");
  /** Nothing was restored, nothing is left over, and the damaged database is the one that was there. */
  const assertUntouched = async (rows = "10") => {
    assert.deepEqual(await databasesLike(database, name), [name]);
    assert.equal(await rowsOf(database), rows);
  };
  /** Changes the manifest as this program would write it. */
  const rewrite = async (change: (manifest: Manifest) => Manifest) => {
    const path = join(store.root, "local/run/manifest.json");
    await writeFile(path, renderManifest(change(parseManifest(await readFile(path, "utf8"), path))));
  };

  it("brings the rows back, keeps the old database, and says how to drop it", async () => {
    await take();
    await damage();
    const result = await put();
    assert.equal(await rowsOf(database), "5000");
    assert.equal(result.backup, "run");
    assert.match(result.kept ?? "", /^restored_before_\d{8}_\d{6}$/);
    assert.equal(await rowsOf({ ...database, name: result.kept ?? "" }), "10");
    assert.deepEqual(await databasesLike(database, name), [name, result.kept]);
    await maintain(database, result.dropKept ?? "");
    await assertUntouched("5000");
    const analysed = await query(database, "SELECT FROM pg_stats WHERE tablename = 'items'");
    assert.equal(analysed.length, 2, "it is analysed before it is in use");
  });

  it("takes the newest complete backup, or the one that is named", async () => {
    await take("first");
    await damage();
    await take("second");
    await query(database, "DELETE FROM items");
    assert.equal((await put()).backup, "second");
    assert.equal(await rowsOf(database), "10");
    assert.equal((await put("first")).backup, "first");
    assert.equal(await rowsOf(database), "5000");
    await truncate(join(store.root, "local/second/manifest.json"), 99);
    const { context, lines } = recording();
    assert.equal((await put("newest", context)).backup, "first");
    assert.ok(lines.some((line) => /backup second is passed over: .*damaged/.test(line)));
  });

  it("lists what there is where there is no such backup, and takes no path for one", async () => {
    await assert.rejects(put(), failsWith("NO_BACKUP", /There is no complete backup of "local".* none/));
    await take();
    await assert.rejects(
      put("gone"),
      failsWith("NO_BACKUP", /no complete backup "gone" of "local".*Complete ones: run \(\d{4}-/),
    );
    await assert.rejects(put("../local/run"), failsWith("STORE_PATH"));
    await assertUntouched("5000");
  });

  it("puts a database that was lost back in its place", async () => {
    await take();
    await (await testCluster()).drop(name);
    const result = await put();
    assert.deepEqual([result.kept, result.dropKept], [undefined, undefined]);
    await assertUntouched("5000");
  });

  it("swaps under sessions that write, and loses neither database", async () => {
    await take();
    await damage();
    let writing = true;
    let connections = 0;
    const write = async () => {
      while (writing) {
        try {
          const client = await connect(database, { applicationName: "application" });
          connections++;
          for (; writing;) await client.query("INSERT INTO items VALUES (0, 'while restoring')").then(() => sleep(1));
          await client.end();
        } catch {
          await sleep(5);
        }
      }
    };
    const writers = [write(), write(), write()];
    const result = await put();
    await sleep(200);
    writing = false;
    await Promise.all(writers);
    assert.ok(connections > 3, "they came back after they had been ended");
    const [restored] = await query<{ count: string }>(database, "SELECT count(*) FROM items WHERE i > 0");
    const kept = { ...database, name: result.kept ?? "" };
    const [before] = await query<{ old: string; written: string }>(
      kept,
      "SELECT count(*) FILTER (WHERE i > 0) AS old, count(*) FILTER (WHERE i = 0) AS written FROM items",
    );
    assert.deepEqual([restored?.count, before?.old], ["5000", "10"]);
    assert.ok(Number(before?.written) > 0);
  });

  it("rolls the swap back where sessions will not go, and names them", async () => {
    await take();
    const { properties } = parseManifest(await readFile(join(store.root, "local/run/manifest.json"), "utf8"), "it");
    await maintain(database, `DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN CREATEDB PASSWORD 'weak'`);
    await maintain(database, `ALTER DATABASE ${name} OWNER TO weak`);
    await maintain(database, `CREATE DATABASE ${name}_other OWNER weak`);
    process.env.WEAK_PASSWORD = "weak";
    const weak: Database = { ...database, user: "weak", password: { from: "environment", variable: "WEAK_PASSWORD" } };
    // A superuser's session, which this role may not end.
    await withClient(database, { applicationName: "stubborn" }, () =>
      assert.rejects(
        swapDatabases(weak, { restored: `${name}_other`, properties, patienceMs: 0 }),
        failsWith(
          "SESSIONS_STAY",
          /"restored": .*being accessed by other users .*Still there: pid \d+ \(\w+, stubborn, /,
        ),
      ),
    );
    assert.deepEqual(await databasesLike(database, name), [name, `${name}_other`]);
    assert.equal(await rowsOf(database), "5000");
    await dropAll();
    await maintain(database, "DROP ROLE weak");
  });

  it("refuses to put a database aside whose subscription is enabled, and restores none", async () => {
    await query(
      database,
      "CREATE SUBSCRIPTION news CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = 'gone')",
    );
    await take();
    await query(database, "ALTER SUBSCRIPTION news ENABLE");
    await assert.rejects(put(), failsWith("DATABASE_TIED", /subscription news/));
    await query(database, "ALTER SUBSCRIPTION news DISABLE");
    const { context, lines } = recording();
    const { kept } = await put("run", context);
    assert.ok(lines.some((line) => /subscriptions are not restored.*: news/.test(line)));
    assert.equal(
      (
        await query(
          database,
          "SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE datname = current_database()",
        )
      ).length,
      0,
    );
    await query({ ...database, name: kept ?? "" }, "ALTER SUBSCRIPTION news SET (slot_name = NONE)");
    await query({ ...database, name: kept ?? "" }, "DROP SUBSCRIPTION news");
  });

  it("refuses what a rename would break: prepared transactions", async function () {
    const [setting] = await query<{ max: string }>(
      database,
      "SELECT current_setting('max_prepared_transactions') AS max",
    );
    if (setting?.max === "0") this.skip(); // The test's cluster allows none.
    await take();
    await query(database, "BEGIN; DELETE FROM items; PREPARE TRANSACTION 'half'");
    await assert.rejects(put(), failsWith("DATABASE_TIED", /prepared transaction 'half'/));
    await query(database, "ROLLBACK PREPARED 'half'");
    await assertUntouched("5000");
  });

  it("refuses a damaged backup before anything is made", async () => {
    await take();
    await damage();
    const [file = ""] = (await readdir(join(store.root, "local/run/dump"))).filter((each) => /^\d+\.dat/.test(each));
    await truncate(join(store.root, "local/run/dump", file), 20);
    await assert.rejects(put(), failsWith("BACKUP_DAMAGED", /it has 20 bytes/));
    await assertUntouched();
  });

  it("drops what does not have the backup's fingerprints, and says where it differs", async () => {
    await take();
    await damage();
    await rewrite((manifest) => {
      const [items, ...rest] = manifest.fingerprints.tables;
      assert.ok(items);
      return { ...manifest, fingerprints: { ...manifest.fingerprints, tables: [{ ...items, hash: "1" }, ...rest] } };
    });
    await assert.rejects(put(), failsWith("RESTORED_DIFFERS", /public\.items has other values in its 5000 rows/));
    await assertUntouched();
  });

  it("drops what pg_restore could not load whole, and tells what it said", async () => {
    await query(
      database,
      `CREATE FUNCTION fine(i int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT count(*) >= 0 FROM items); END $$;
      CREATE TABLE checked (i int CHECK (fine(i))); INSERT INTO checked VALUES (1)`,
    );
    await take();
    await damage();
    await assert.rejects(put(), failsWith("LOAD_FAILED", /relation "items" does not exist/));
    await assertUntouched();
  });

  it("refuses where roles or extensions are missing, with the commands that make them", async () => {
    await take();
    await damage();
    const role = {
      name: 'some "one"',
      superuser: false,
      login: true,
      inherit: true,
      createRole: false,
      createDatabase: true,
      replication: false,
      bypassRowSecurity: false,
    };
    await rewrite((manifest) => ({
      ...manifest,
      needs: { ...manifest.needs, roles: [...manifest.needs.roles, role] },
    }));
    await assert.rejects(put(), (error: unknown) => {
      failsWith("ROLES_MISSING", /some "one"/)(error);
      return /CREATE ROLE "some ""one""" LOGIN CREATEDB;/.test((error as { next: string }).next);
    });
    await rewrite((manifest) => ({
      ...manifest,
      needs: { ...manifest.needs, roles: [], extensions: [{ name: "nowhere", version: "1" }] },
    }));
    await assert.rejects(put(), failsWith("EXTENSIONS_MISSING", /nowhere/));
    await assertUntouched();
  });

  it("goes on without a tablespace that is missing, and says so", async () => {
    await take();
    await rewrite((manifest) => ({ ...manifest, needs: { ...manifest.needs, tablespaces: ["fast"] } }));
    const { context, lines } = recording();
    await put("run", context);
    assert.ok(lines.some((line) => /lacks the tablespaces fast/.test(line)));
  });

  it("refuses a newer server's backup, another database's, and the maintenance database", async () => {
    await take();
    const identity = (change: Partial<Manifest["identity"]>) =>
      rewrite((manifest) => ({ ...manifest, identity: { ...manifest.identity, ...change } }));
    const original = parseManifest(await readFile(join(store.root, "local/run/manifest.json"), "utf8"), "it").identity;
    await identity({ serverVersion: "99.1" });
    await assert.rejects(put(), failsWith("BACKUP_NEWER", /of PostgreSQL 99\.1; this server is/));
    await identity({ ...original, systemIdentifier: "1" });
    await assert.rejects(put(), failsWith("OTHER_DATABASE", /holds 1 tables/));
    await identity({ ...original, database: "another" });
    await assert.rejects(put(), failsWith("OTHER_DATABASE", /"another"/));
    const own = { ...database, name: maintenanceDatabase };
    await assert.rejects(restore(restoreOf(own, store.url), quiet), failsWith("MAINTENANCE_DATABASE"));
    await assertUntouched("5000");
    await query(database, "DROP TABLE items");
    await put();
    assert.equal(await rowsOf(database), "5000", "an empty database gives way: a cluster set up anew after a loss");
  });

  it("keeps a second restore off", async () => {
    await take();
    await withPipelineLock(database, "restore first", () =>
      assert.rejects(put(), failsWith("PIPELINE_LOCKED", /restore first/)),
    );
    const both = await Promise.allSettled([put(), put()]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.equal(await rowsOf(database), "5000");
  });

  it("drops what a run that was killed left, and nothing else", async () => {
    await take();
    const since = new Date().toISOString();
    const make = async (other: string, comment?: string) => {
      await maintain(database, `CREATE DATABASE ${other}`);
      if (comment !== undefined)
        await maintain(database, `COMMENT ON DATABASE ${other} IS ${pg.escapeLiteral(comment)}`);
    };
    await make(`${name}_restore_run`, renderMark({ of: name, backup: "run", since }));
    await make(`${name}_restore_mine`, "made by hand");
    await make(`${name}_restore_theirs`, renderMark({ of: "another", backup: "run", since }));
    await make(`${name}_restore_busy`, renderMark({ of: name, backup: "busy", since }));
    const busy = await connect({ ...database, name: `${name}_restore_busy` }, { applicationName: "orphan" });
    const { kept } = await put();
    await busy.end();
    assert.deepEqual(
      await databasesLike(database, name),
      [name, kept, `${name}_restore_busy`, `${name}_restore_mine`, `${name}_restore_theirs`].sort(),
    );
  });

  for (const stage of ["restoring", "fingerprint", "putting"])
    it(`stopped while ${stage}, leaves things as they were`, async () => {
      await take();
      await damage();
      const stop = new AbortController();
      const { context } = recording(stop.signal);
      const progress = (message: string) => {
        if (message.startsWith(stage)) stop.abort();
      };
      const working = put("run", { ...context, log: { ...context.log, progress } });
      if (stage === "putting") {
        // Past the point of return: it is one transaction, and ends as a restore.
        assert.ok((await working).kept);
        assert.equal(await rowsOf(database), "5000");
      } else {
        await assert.rejects(working, failsWith("INTERRUPTED"));
        await assertUntouched();
      }
    });

  it("restores what was written while the backup ran as of one moment", async () => {
    let writing = true;
    const writer = withClient(database, { applicationName: "writer" }, async (client) => {
      for (let i = 0; writing; i++)
        await client.query("BEGIN; INSERT INTO items VALUES ($1, 'x'); COMMIT".replace("$1", String(10_000 + i)));
    });
    await take();
    writing = false;
    await writer;
    await put();
    assert.ok(Number(await rowsOf(database)) >= 5000);
  });

  it("notes in the store that the backup is proved, and changes nothing else there", async () => {
    const { manifestSha256 } = await take();
    const files = async () => (await readdir(store.root, { recursive: true })).sort();
    const before = await files();
    const opened = openStore(store.url);
    assert.equal(await newestProved(opened, "local"), undefined);
    await put();
    assert.deepEqual(await files(), [...before, "local/run/proved.json"].sort());
    const proved = await newestProved(opened, "local");
    assert.deepEqual(
      [proved?.proof.backup, proved?.proof.manifestSha256, proved?.proof.by, proved?.proof.rows],
      ["run", manifestSha256, "restore", 5000],
    );
    await put();
  });
});
