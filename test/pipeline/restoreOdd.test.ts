import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { restore } from "../../pipeline/stages/restore.js";
import { testCluster } from "../support/postgres.js";
import { typescript } from "../support/typescript.js";
import {
  backupOf,
  databasesLike,
  failsWith,
  maintain,
  query,
  quiet,
  restoreOf,
  rowsOf,
  temporaryStore,
} from "./backupFixtures.js";

describe("restore, in odd circumstances", function () {
  this.timeout(120_000);
  const name = "odd_restored";
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
  it("killed at any moment, leaves the database whole, and the next run tidies up", async () => {
    await take();
    await damage();
    const script = `
      const { restore } = require(${JSON.stringify(join(__dirname, "../../pipeline/stages/restore.ts"))});
      const request = JSON.parse(process.env.REQUEST);
      const say = (message) => process.stdout.write(message + "\\n");
      const log = { debug: say, info: say, warn: say, error: say, progress: say };
      restore(request, { log, signal: new AbortController().signal }).then(() => say("done"));`;
    for (const moment of [
      "every file has its checksum",
      "restoring into",
      "restoring public.items",
      "has the fingerprints",
      "putting it",
    ]) {
      const request = JSON.stringify(restoreOf(database, store.url, "run"));
      const child = spawn(process.execPath, [...typescript, "-e", script], {
        env: { ...process.env, REQUEST: request },
        cwd: join(__dirname, "../.."),
        stdio: ["ignore", "pipe", "inherit"],
      });
      await killAt(child, moment);
      const rows = await rowsOf(database);
      assert.ok(rows === "10" || rows === "5000", `${moment}: ${rows} rows`);
      if (rows === "5000") await damage();
    }
    // A pg_restore that outlived its parent goes on for a moment in a database that the next run then finds idle.
    for (let waited = 0; waited < 100; waited++) {
      const [left] = await maintain<{ count: string }>(
        database,
        "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'odd_restored_restore%'",
      );
      if (left?.count === "0") break;
      await sleep(100);
    }
    await put();
    assert.equal(await rowsOf(database), "5000");
    assert.ok(
      (await databasesLike(database, name)).every((each) => each === name || each.startsWith(`${name}_before_`)),
    );
  });

  it("needs no superuser", async () => {
    await maintain(
      database,
      `DROP ROLE IF EXISTS pipe; DROP ROLE IF EXISTS owning; CREATE ROLE owning; CREATE ROLE pipe LOGIN CREATEDB PASSWORD 'pipe' IN ROLE owning`,
    );
    await maintain(database, `ALTER DATABASE ${name} OWNER TO owning`);
    await query(
      database,
      // The schema public stays the database owner's, who the role that restores is not.
      "ALTER TABLE items OWNER TO owning; CREATE SCHEMA theirs AUTHORIZATION owning; SET ROLE owning; SELECT lo_from_bytea(9, 'x')",
    );
    process.env.PIPE_PASSWORD = "pipe";
    const pipe: Database = { ...database, user: "pipe", password: { from: "environment", variable: "PIPE_PASSWORD" } };
    await backup(backupOf(pipe, store.url), quiet);
    await damage();
    const { kept } = await restore(restoreOf(pipe, store.url), quiet);
    assert.equal(await rowsOf(database), "5000");
    await maintain(
      database,
      "ALTER ROLE pipe NOCREATEDB; REVOKE owning FROM pipe; GRANT CONNECT ON DATABASE odd_restored TO pipe",
    );
    await assert.rejects(
      restore(restoreOf(pipe, store.url), quiet),
      failsWith("RIGHTS", /"pipe" may not replace database "odd_restored"/),
    );
    for (const each of [name, kept ?? ""]) await (await testCluster()).drop(each);
    await maintain(database, "DROP ROLE pipe; DROP ROLE owning");
  });

  const names = [
    "Shop",
    "two words",
    `quo"te'd`,
    "x".repeat(63),
    "ñandú".repeat(9),
    "per%cent\\back",
    "$user",
    "select",
  ];
  for (const odd of names)
    it(`takes the name ${odd}`, async () => {
      const cluster = await testCluster();
      const oddly = await cluster.create(odd);
      await query(oddly, "CREATE TABLE items (i int); INSERT INTO items VALUES (1)");
      await backup(backupOf(oddly, store.url), quiet);
      const { kept } = await restore(restoreOf(oddly, store.url), quiet);
      assert.equal(await rowsOf(oddly), "1");
      assert.ok(kept !== undefined && Buffer.byteLength(kept) <= 63);
      await cluster.drop(odd);
      await cluster.drop(kept);
    });

  it("restores a database without a table, and one with large objects only", async () => {
    await query(database, "DROP TABLE items");
    assert.equal((await take("empty")).tables, 0);
    assert.equal((await put("empty")).rows, 0);
    await query(database, "SELECT lo_from_bytea(5, 'five'), lo_from_bytea(6, '')");
    await take("large");
    await query(database, "SELECT lo_unlink(5)");
    await put("large");
    const rows = await query<{ text: string }>(database, "SELECT convert_from(lo_get(5), 'UTF8') AS text");
    assert.deepEqual(rows, [{ text: "five" }]);
  });
});

/** Ends a process with SIGKILL once it has said something, or when it has ended by itself. */
async function killAt(child: ChildProcess, moment: string): Promise<void> {
  const ended = once(child, "exit");
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.includes(moment)) child.kill("SIGKILL");
  });
  await ended;
  assert.ok(said.includes(moment), `it never said "${moment}": ${said}`);
}
