import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { findBinaries } from "../../pipeline/postgres/binaries.js";
import { dumpDatabase } from "../../pipeline/postgres/dump.js";
import { holdSnapshot } from "../../pipeline/postgres/snapshot.js";
import { backup } from "../../pipeline/stages/backup.js";
import { restore } from "../../pipeline/stages/restore.js";
import { hashFolder } from "../../pipeline/store/hashFiles.js";
import { parseManifest, renderManifest } from "../../pipeline/store/manifest.js";
import { openStore } from "../../pipeline/store/open.js";
import { verifyBackup } from "../../pipeline/store/verifyBackup.js";
import { testCluster } from "../support/postgres.js";
import { random } from "../support/random.js";
import { backupOf, databasesLike, query, quiet, restoreOf, temporaryStore } from "./backupFixtures.js";

/** In each of the two backups. */
const flips = 500;
const wholeRestores = 4;

/** `pg_restore` loads a dump with a flipped bit without a word where it is not compressed; here none gets that far. */
describe("a single bit of a backup that flips", function () {
  this.timeout(120_000);
  const name = "flipped";
  let database: Database;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  const at = (path: string) => join(store.root, "local/run", path);
  const readManifest = async () => parseManifest(await readFile(at("manifest.json"), "utf8"), "it");

  before(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name);
    await query(database, "CREATE TABLE items AS SELECT i, md5(i::text) AS name FROM generate_series(1, 2000) i");
    await query(database, "CREATE TABLE others AS SELECT i * 2 AS i FROM generate_series(1, 100) i");
    await query(database, "SELECT lo_from_bytea(0, 'a large object')");
    await backup(backupOf(database, store.url), quiet);
    await query(database, "DELETE FROM items");
  });
  after(async () => {
    await store.remove();
    for (const each of await databasesLike(database, name)) await (await testCluster()).drop(each);
  });

  /** The same backup as it would be without compression. */
  const takeUncompressed = async () => {
    await query(database, "INSERT INTO items SELECT i, md5(i::text) FROM generate_series(1, 2000) i");
    const { signal } = new AbortController();
    const held = await holdSnapshot(database, { lockTimeoutMs: 1_000, applicationName: "test", signal });
    const { pgDump } = await findBinaries(Number.parseInt((await readManifest()).identity.serverVersion, 10));
    await rm(at("dump"), { recursive: true });
    await mkdir(at("dump"));
    await dumpDatabase(database, {
      program: pgDump,
      directory: at("dump"),
      snapshot: held.id,
      jobs: 1,
      compression: "0",
      lockTimeoutMs: 1_000,
      tables: [],
      log: quiet.log,
      signal,
    });
    await held.release();
    await query(database, "DELETE FROM items");
    const files = await hashFolder(at("dump"), "dump", 2);
    const manifest = await readManifest();
    const tools = { pgDump: pgDump.version, compression: "0" };
    await writeFile(at("manifest.json"), renderManifest({ ...manifest, tools, files }));
  };

  const codeOf = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof PipelineError ? error.code : `not refused (${String(error)})`;
  };

  for (const kind of ["compressed", "uncompressed"] as const)
    it(`is found in each of ${flips} places (${kind} backup), before anything is restored`, async () => {
      if (kind === "uncompressed") await takeUncompressed();
      const { files } = await readManifest();
      assert.equal(
        files.some(({ path }) => /\.(gz|zst)$/.test(path)),
        kind === "compressed",
      );
      const paths = ["manifest.json", ...files.map(({ path }) => path)];
      const { seed, below } = random();
      const opened = openStore(store.url);
      const flip = async (path: string, check: () => Promise<string>) => {
        const whole = await readFile(at(path));
        const bit = below(whole.length * 8);
        const changed = Buffer.from(whole);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        await writeFile(at(path), changed);
        const found = await check();
        await writeFile(at(path), whole);
        assert.equal(found, "BACKUP_DAMAGED", `seed ${seed}: bit ${bit} of ${path}`);
      };
      for (let count = 0; count < flips; count++)
        await flip(paths[below(paths.length)] ?? "", () => codeOf(verifyBackup(opened, "local", "run")));
      for (let count = 0; count < wholeRestores; count++)
        await flip(paths[below(paths.length)] ?? "", () =>
          codeOf(restore(restoreOf(database, store.url, "run"), quiet)),
        );
      assert.deepEqual(await databasesLike(database, name), [name], "nothing was made, nothing was swapped");
      assert.equal((await query(database, "SELECT FROM items")).length, 0);
      // With every bit as it was, it is the backup that it was.
      await restore(restoreOf(database, store.url, "run"), quiet);
      assert.equal((await query(database, "SELECT FROM items")).length, 2000);
      for (const each of await databasesLike(database, `${name}_before`)) await (await testCluster()).drop(each);
      await query(database, "DELETE FROM items");
    });
});
