import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { currentOwner } from "../../pipeline/owner.js";
import type { Store } from "../../pipeline/store/store.js";
import { failsWith } from "../pipeline/backupFixtures.js";

/** What every kind of store promises. `store` gives an empty one to each test. */
export function keepsStoreContract(store: () => Store): void {
  it("gives back what was written, and lists it", async () => {
    await store().write("env/run/manifest.json", "é");
    await store().write("env/run/manifest.json", "again");
    await store().write("env/run/a b+c%20.log", "x");
    assert.equal(await store().read("env/run/manifest.json"), "again");
    assert.equal(await store().read("env/run/a b+c%20.log"), "x");
    assert.deepEqual(await store().list("env"), ["run/"]);
    assert.deepEqual(await store().list("env/run"), ["a b+c%20.log", "manifest.json"]);
  });
  it("tells what is not there from what is", async () => {
    assert.equal(await store().read("env/none"), undefined);
    assert.deepEqual(await store().list("none"), []);
    await store().remove("none");
  });
  it("removes a folder with what is in it, and not what only begins alike", async () => {
    await store().write("env/run/a/b", "x");
    await store().write("env/run-2/a", "x");
    await store().remove("env/run");
    assert.deepEqual(await store().list("env"), ["run-2/"]);
  });
  for (const path of ["", "/etc", "../x", "a/../../x", "a//b", "a/./b", "a\\b", "a\0b", "."])
    it(`refuses the path ${JSON.stringify(path)}`, async () => {
      await assert.rejects(async () => store().read(path), failsWith("STORE_PATH"));
      await assert.rejects(async () => store().remove(path), failsWith("STORE_PATH"));
      await assert.rejects(async () => store().stage(path), failsWith("STORE_PATH"));
    });

  it("stages for one writer, and gives back what was published", async () => {
    const staging = await store().stage("env/run/dump");
    await assert.rejects(store().stage("env/run/dump"), failsWith("STORE_OCCUPIED"));
    await writeFile(join(staging.directory, "toc.dat"), "x", { mode: 0o666 });
    await writeFile(join(staging.directory, "empty"), "");
    await mkdir(join(staging.directory, "below"));
    await writeFile(join(staging.directory, "below", "file"), "y");
    assert.equal(await store().dropAbandoned("env/run/dump"), false, "its writer, this process, is alive");
    await staging.publish();
    assert.deepEqual(await store().list("env/run"), ["dump/"]);
    assert.deepEqual(await store().list("env/run/dump"), ["below/", "empty", "toc.dat"]);
    assert.equal(await store().dropAbandoned("env/run/dump"), false, "its manifest is about to be written");
    await assert.rejects(store().stage("env/run/dump"), failsWith("STORE_OCCUPIED"));
    const fetched = await store().fetch("env/run/dump");
    assert.equal(await readFile(join(fetched.directory, "toc.dat"), "utf8"), "x");
    assert.equal(await readFile(join(fetched.directory, "empty"), "utf8"), "");
    assert.equal(await readFile(join(fetched.directory, "below/file"), "utf8"), "y");
    assert.equal((await store().fetch("env/run/dump")).directory, fetched.directory);
  });
  it("drops what was staged and not published", async () => {
    const staging = await store().stage("env/run/dump");
    await writeFile(join(staging.directory, "file"), "x");
    await staging.discard();
    assert.deepEqual(await store().list("env/run"), []);
    await (await store().stage("env/run/dump")).discard();
  });
  it("lets one of two stage the same path at once", async () => {
    const both = await Promise.allSettled([store().stage("env/run/dump"), store().stage("env/run/dump")]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  });
  it("drops what a process that has ended left, and only that", async () => {
    const pid = spawnSync(process.execPath, ["-e", ""]).pid;
    const ownerOf = async (owner: object) => {
      await store()
        .stage("env/run/dump")
        .catch(() => undefined);
      await store().write("env/run/dump.owner.json", JSON.stringify({ ...(await currentOwner()), ...owner }));
      return store().dropAbandoned("env/run/dump");
    };
    assert.equal(await ownerOf({}), false);
    assert.equal(await ownerOf({ host: "elsewhere" }), false, "a process of another machine cannot be asked for");
    assert.equal(await ownerOf({ pid }), true);
    assert.equal(await ownerOf({ started: "1" }), true, "the number belongs to another process now");
    assert.equal(await ownerOf({ host: "elsewhere", since: "2020-01-01T00:00:00Z" }), true);
    assert.equal(await store().dropAbandoned("env/run/dump"), false);
    assert.deepEqual(await store().list("env/run"), []);
  });
  it("knows how much can be staged", async () => assert.ok((await store().free()) > 0));
}
