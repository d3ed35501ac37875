import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import type { Database } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { restore } from "../../pipeline/stages/restore.js";
import { scanBackups } from "../../pipeline/store/listBackups.js";
import { openStore } from "../../pipeline/store/open.js";
import { type FaultyProxy, faultyProxy } from "../support/faultyProxy.js";
import { type Moto, motoOrSkip, motoRegion, withEnvironment } from "../support/moto.js";
import { testCluster } from "../support/postgres.js";
import { typescript } from "../support/typescript.js";
import { backupOf, failsWith, query, quiet, recording, restoreOf } from "./backupFixtures.js";

/** The stages over a store in S3; what the store itself does is proved in s3Store.test.ts. */
describe("backup and restore with S3", function () {
  this.timeout(120_000);
  const name = "s3_source";
  let moto: Moto;
  let proxy: FaultyProxy;
  let restoreEnvironment = () => undefined as void;
  let database: Database;
  let staging: string;
  let url: string;
  const children: ChildProcess[] = [];

  before(async function () {
    moto = await motoOrSkip(this);
    restoreEnvironment = withEnvironment(moto.env);
    proxy = await faultyProxy(moto.endpoint);
    staging = await mkdtemp(join(tmpdir(), "s3-backup-"));
    await moto.s3.send(
      new CreateBucketCommand({ Bucket: "stages", CreateBucketConfiguration: { LocationConstraint: motoRegion } }),
    );
    url = `s3://stages/shop?region=${motoRegion}&endpoint=${proxy.endpoint}&staging=${staging}`;
    database = await (await testCluster()).create(name, { owner: "s3_owner" });
    await query(
      database,
      `SET ROLE s3_owner; CREATE TABLE users (id int PRIMARY KEY, name text);
       INSERT INTO users SELECT i, md5(i::text) FROM generate_series(1, 20000) i`,
    );
  });
  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await proxy?.stop();
    restoreEnvironment();
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
    if (database !== undefined) {
      const cluster = await testCluster();
      const kept = await query<{ datname: string }>(
        database,
        "SELECT datname FROM pg_database WHERE datname ~ '^s3_source.'",
      );
      for (const { datname } of kept) await cluster.drop(datname);
      await cluster.drop(name);
    }
  });

  it("backs up, and restores what was lost", async () => {
    const made = await backup(backupOf(database, url, "first"), quiet);
    assert.equal(made.location, "s3://stages/shop/local/first");
    assert.deepEqual(await readdir(staging), [], "nothing of it stays on this machine");
    await query(database, "DELETE FROM users WHERE id > 5");
    proxy.seen.length = 0;
    const restored = await restore(restoreOf(database, url), quiet);
    assert.equal(restored.rows, 20_000);
    const [row] = await query<{ n: string }>(database, "SELECT count(*) AS n FROM users");
    assert.equal(row?.n, "20000");
    assert.equal(proxy.seen.filter((what) => /GET .*toc\.dat/.test(what)).length, 1, "what was checked was loaded");
    assert.deepEqual(await readdir(staging), []);
  });

  it("a run that is killed while it uploads leaves no backup; the next one clears it away and makes its own", async () => {
    const seen = new Promise<void>((resolve) => {
      proxy.decide = (what) => {
        if (!/PUT .*killed\/dump\//.test(what)) return "pass";
        resolve();
        return { status: 503 };
      };
    });
    const child = spawn(process.execPath, [...typescript, resolve(__dirname, "../../pipeline/cli.ts"), "backup"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    children.push(child);
    child.stdin.end(JSON.stringify(backupOf(database, url, "killed")));
    await seen;
    child.kill("SIGKILL");
    await once(child, "close");
    proxy.decide = () => "pass";
    const store = openStore(url);
    assert.ok((await store.list("local/killed")).includes("dump.owner.json"));
    assert.equal((await readdir(staging)).length, 1);
    const { context, lines } = recording();
    await backup(backupOf(database, url, "next"), context);
    assert.ok(lines.some((line) => /removed the half backup .*local\/killed/.test(line)));
    assert.deepEqual(await store.list("local/killed"), []);
    assert.deepEqual(
      (await scanBackups(store, "local")).complete.map(({ id }) => id),
      ["next", "first"],
    );
    assert.deepEqual(await readdir(staging), []);
  });

  it("refuses before it dumps where the bucket is not there", async () => {
    const wrong = url.replace("s3://stages/", "s3://stagse/");
    await assert.rejects(backup(backupOf(database, wrong), quiet), failsWith("S3_NO_BUCKET", /stagse/));
    assert.deepEqual(await readdir(staging), []);
  });
});
