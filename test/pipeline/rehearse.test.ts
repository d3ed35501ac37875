import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database, RehearseRequest, StageRequest } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { type Manifest, hashText, parseManifest, renderManifest } from "../../pipeline/store/manifest.js";
import { openStore } from "../../pipeline/store/open.js";
import { readProof } from "../../pipeline/store/proof.js";
import { testCluster } from "../support/postgres.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { typescript } from "../support/typescript.js";
import { databasesLike, failsWith, maintain, query, quiet, recording, temporaryStore } from "./backupFixtures.js";

const root = resolve(__dirname, "../..");

describe("rehearse: the backup restored", function () {
  this.timeout(120_000);
  const name = "rehearsed";
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let project: TestProject;
  let runs = 0;

  beforeEach(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "shop" });
    await query(database, "CREATE TABLE items AS SELECT i, md5(i::text) AS name FROM generate_series(1, 5000) i");
    project = await writeProject();
  });
  afterEach(async () => {
    await store.remove();
    await project.remove();
  });
  after(async () => (await testCluster()).drop(name));

  const request = (settings: object = {}): StageRequest =>
    requestOf({ database, project, store }, { run: `run-${++runs}`, settings });
  const backedUp = async (settings?: object): Promise<RehearseRequest> => {
    const base = request(settings);
    return { ...base, backup: await backup(base, quiet) };
  };
  /** Changes the manifest as this program would write it, and what is told of it. */
  const rewrite = async (
    asked: RehearseRequest,
    change: (manifest: Manifest) => Manifest,
  ): Promise<RehearseRequest> => {
    const path = join(store.root, "local", asked.backup.id, "manifest.json");
    const text = renderManifest(change(parseManifest(await readFile(path, "utf8"), path)));
    await writeFile(path, text);
    return { ...asked, backup: { ...asked.backup, manifestSha256: hashText(text) } };
  };
  /** No copy is left, and the database is the one that was there. */
  const assertAsBefore = async () => {
    assert.deepEqual(await databasesLike(database, name), [name]);
    assert.deepEqual(await query(database, "SELECT count(*)::int FROM items"), [{ count: 5000 }]);
  };

  it("proves that it holds what was dumped, with figures, and leaves nothing behind", async () => {
    const asked = await backedUp();
    const result = await rehearse(asked, quiet);
    assert.equal(result.verdict, "proved");
    assert.deepEqual([result.restored.tables, result.restored.rows], [1, 5000]);
    assert.ok(result.restored.bytes > 1_000_000);
    assert.match(result.summary, /the same 5000 rows in 1 tables/);
    assert.deepEqual([result.backup, result.manifestSha256], [asked.backup.id, asked.backup.manifestSha256]);
    const proof = await readProof(openStore(store.url), "local", asked.backup);
    assert.deepEqual([proof?.by, proof?.run, proof?.rows], ["rehearse", asked.run, 5000]);
    await assertAsBefore();
  });

  it("stops at a file with one bit flipped, and at a copy that is not what was dumped", async () => {
    const asked = await backedUp();
    const dump = join(store.root, "local", asked.backup.id, "dump");
    const [file = ""] = (await readdir(dump)).filter((each) => /^\d+\.dat/.test(each));
    const bytes = await readFile(join(dump, file));
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(join(dump, file), bytes);
    await assert.rejects(rehearse(asked, quiet), failsWith("BACKUP_DAMAGED", new RegExp(file.replaceAll(".", "\\."))));

    const other = await backedUp();
    const altered = await rewrite(other, (manifest) => ({
      ...manifest,
      fingerprints: {
        ...manifest.fingerprints,
        tables: manifest.fingerprints.tables.map((table) => ({ ...table, hash: "1" })),
      },
    }));
    await assert.rejects(
      rehearse(other, quiet),
      failsWith("BACKUP_DAMAGED", /not the manifest that the backup's result/),
    );
    await assert.rejects(rehearse(altered, quiet), failsWith("RESTORED_DIFFERS", /public\.items has other values/));
    await assertAsBefore();
  });

  it("refuses where the server's disk has no room for a copy", async () => {
    const asked = await rewrite(await backedUp(), (manifest) => ({ ...manifest, databaseBytes: 10 ** 15 }));
    await assert.rejects(
      rehearse(asked, quiet),
      failsWith("DISK_SPACE", /rehearsal restores a copy .* needs \d{10} MB/),
    );
    await assertAsBefore();
  });

  it("takes no other run's backup, nor another database's", async () => {
    const asked = await backedUp();
    await assert.rejects(rehearse({ ...asked, run: "other" }, quiet), failsWith("NOT_THIS_RUNS_BACKUP"));
    const elsewhere = await (await testCluster()).create(`${name}_too`);
    await assert.rejects(rehearse({ ...asked, database: elsewhere }, quiet), failsWith("OTHER_DATABASE"));
    await (await testCluster()).drop(elsewhere.name);
    await assertAsBefore();
  });

  it("is left out where the configuration says so, with the reason, or where nothing is pending", async () => {
    const { context, lines } = recording();
    const never = await rehearse(await backedUp({ rehearse: { mode: "never", reason: "no room" } }), context);
    assert.deepEqual([never.verdict, never.summary], ["skipped", "rehearse.mode is never: no room"]);
    assert.ok(lines.some((line) => /no rehearsal: .*no room/.test(line)));
    const pending = { rehearse: { mode: "pending" } };
    assert.equal((await rehearse(await backedUp(pending), quiet)).verdict, "skipped");
    await query(database, "DROP TABLE items");
    await project.migration("1_more", "CREATE TABLE more (id int);");
    assert.equal((await rehearse(await backedUp(pending), quiet)).verdict, "proved");
  });

  it("lets nothing of the original act from the copy", async () => {
    await query(
      database,
      `CREATE EXTENSION postgres_fdw;
       CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid');
       CREATE USER MAPPING FOR CURRENT_USER SERVER away OPTIONS (user 'me', password 'a secret');
       CREATE TABLE fired (tag text);
       CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fired VALUES (tg_tag); END $$;
       CREATE PUBLICATION news FOR TABLE items;
       CREATE SUBSCRIPTION feed CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false, slot_name = NONE);
       CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION note();`,
    );
    const asked = await backedUp();
    let seen: Promise<object[]> | undefined;
    const { context, lines } = recording();
    const progress = (message: string) => {
      if (!message.startsWith("fingerprint of")) return;
      const copy = `${name}_rehearse_${asked.backup.id}`;
      seen ??= query(
        { ...database, name: copy },
        `SELECT (SELECT count(*)::int FROM pg_user_mappings) AS mappings,
           (SELECT count(*)::int FROM pg_event_trigger) AS "eventTriggers",
           (SELECT count(*)::int FROM pg_subscription WHERE subdbid = d.oid) AS subscriptions,
           (SELECT count(*)::int FROM pg_replication_slots WHERE database = d.datname) AS slots,
           (SELECT count(*)::int FROM fired) AS fired
         FROM pg_database d WHERE datname = current_database()`,
      );
    };
    const result = await rehearse(asked, { ...context, log: { ...context.log, progress } });
    assert.equal(result.verdict, "proved");
    assert.deepEqual(await seen, [{ mappings: 0, eventTriggers: 0, subscriptions: 0, slots: 0, fired: 0 }]);
    assert.ok(lines.some((line) => /left out of the copy.*EVENT TRIGGER - noted/.test(line)));
    assert.ok(!lines.join().includes("a secret"));
    await query(database, "DROP EVENT TRIGGER noted");
    await query(database, "DROP SUBSCRIPTION feed");
    await assertAsBefore();
  });

  it("killed in the middle: the next run drops what is left, also what pg_restore still writes to", async () => {
    const asked = await backedUp();
    const child = spawn(process.execPath, [...typescript, join(root, "pipeline/cli.ts"), "rehearse"], {
      cwd: root,
      stdio: ["pipe", "ignore", "ignore"],
    });
    const ended = once(child, "exit");
    child.stdin.end(JSON.stringify(asked));
    while ((await databasesLike(database, `${name}_rehearse`)).length === 0) await sleep(5);
    child.kill("SIGKILL");
    await ended;
    assert.equal((await databasesLike(database, name)).length, 2);
    // What outlived it: a session of this program in the copy.
    const copy = { ...database, name: `${name}_rehearse_${asked.backup.id}` };
    const left = query(copy, "SET application_name = 'safe-migration'; SELECT pg_sleep(60)").catch(() => "ended");
    const busy = "SELECT FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%pg_sleep(60)%'";
    while ((await maintain(database, busy, [copy.name])).length === 0) await sleep(5);
    const { context, lines } = recording();
    await rehearse(await backedUp(), context);
    assert.equal(await left, "ended");
    assert.ok(lines.some((line) => /dropped database "rehearsed_rehearse_.*a run that was stopped/.test(line)));
    await assertAsBefore();
  });
});
