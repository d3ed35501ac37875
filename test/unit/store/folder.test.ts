import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { checkPath, openFolderStore } from "../../../pipeline/store/folder.js";
import { openStore } from "../../../pipeline/store/open.js";
import { currentOwner, isAlive } from "../../../pipeline/store/owner.js";
import type { Store } from "../../../pipeline/store/store.js";
import { failsWith } from "../../pipeline/backupFixtures.js";

describe("store in a folder", () => {
  let root: string;
  let store: Store;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "store-"));
    store = openFolderStore(pathToFileURL(join(root, "a store %20")).href);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const mode = async (path: string) => ((await stat(join(root, "a store %20", path))).mode & 0o777).toString(8);

  it("gives back what was written, for the owner's eyes only", async () => {
    await store.write("env/run/manifest.json", "é");
    await store.write("env/run/manifest.json", "again");
    assert.equal(await store.read("env/run/manifest.json"), "again");
    assert.deepEqual(
      [await mode("env"), await mode("env/run"), await mode("env/run/manifest.json")],
      ["700", "700", "600"],
    );
    assert.deepEqual(await store.list("env"), ["run/"]);
    assert.deepEqual(await store.list("env/run"), ["manifest.json"]);
  });
  it("tells what is not there from what is", async () => {
    assert.equal(await store.read("env/none"), undefined);
    assert.deepEqual(await store.list("none"), []);
    await store.remove("none");
  });
  it("leaves no half file behind a failed write", async () => {
    await mkdir(join(root, "a store %20", "env", "taken"), { recursive: true });
    await assert.rejects(store.write("env/taken", "x"), failsWith("STORE", /cannot be used/));
    assert.deepEqual(await readdir(join(root, "a store %20", "env")), ["taken"]);
  });

  const escapes = ["", "/etc", "../x", "a/../../x", "a//b", "a/./b", "a\\b", "a\0b", "."];
  for (const path of escapes)
    it(`refuses the path ${JSON.stringify(path)}`, async () => {
      await assert.rejects(async () => store.read(path), failsWith("STORE_PATH"));
      await assert.rejects(async () => store.remove(path), failsWith("STORE_PATH"));
    });
  it("takes no path that leads out of it", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("..", ".", "a", "", "/", "b..")), (parts) => {
        try {
          assert.ok(!join("/store", ...checkPath(parts.join("/"))).startsWith("/store/.."));
          assert.ok(join("/store", ...checkPath(parts.join("/"))).startsWith("/store/"));
        } catch (error) {
          failsWith("STORE_PATH")(error);
        }
      }),
    );
  });

  it("stages in place, for one writer", async () => {
    const staging = await store.stage("env/run/dump");
    await assert.rejects(store.stage("env/run/dump"), failsWith("STORE_OCCUPIED"));
    await writeFile(join(staging.directory, "file"), "x", { mode: 0o666 });
    assert.equal(await store.dropAbandoned("env/run/dump"), false, "its writer, this process, is alive");
    await staging.publish();
    assert.deepEqual(await store.list("env/run"), ["dump/"]);
    assert.equal(await mode("env/run/dump/file"), "600");
    assert.equal((await store.fetch("env/run/dump")).directory, staging.directory);
  });
  it("drops what was staged and not published", async () => {
    await (await store.stage("env/run/dump")).discard();
    assert.deepEqual(await store.list("env/run"), []);
  });
  it("drops what a process that has ended left, and only that", async () => {
    const pid = spawnSync(process.execPath, ["-e", ""]).pid;
    const ownerOf = async (owner: object) => {
      await store.stage("env/run/dump").catch(() => undefined);
      await store.write("env/run/dump.owner.json", JSON.stringify({ ...(await currentOwner()), ...owner }));
      return store.dropAbandoned("env/run/dump");
    };
    assert.equal(await ownerOf({}), false);
    assert.equal(await ownerOf({ host: "elsewhere" }), false, "a process of another machine cannot be asked for");
    assert.equal(await ownerOf({ pid }), true);
    assert.equal(await ownerOf({ started: "1" }), true, "the number belongs to another process now");
    assert.equal(await ownerOf({ host: "elsewhere", since: "2020-01-01T00:00:00Z" }), true);
    await mkdir(join(root, "a store %20/env/run/dump"));
    assert.equal(await store.dropAbandoned("env/run/dump"), false, "its owner may be about to be written");
    await utimes(join(root, "a store %20/env/run/dump"), 0, 0);
    assert.equal(await store.dropAbandoned("env/run/dump"), true);
    assert.equal(await store.dropAbandoned("env/run/dump"), false);
  });
  it("knows this process", async () => {
    const owner = await currentOwner();
    assert.deepEqual([owner.host, owner.pid, await isAlive(owner)], [hostname(), process.pid, true]);
  });
  it("knows how much can be written", async () => assert.ok(((await store.free()) ?? 0) > 0));
  it("is the store of a file URL, and other URLs have none", () => {
    assert.equal(openStore("file:///x").url, "file:///x");
    assert.throws(() => openStore("ftp://x/y"), failsWith("STORE_KIND", /ftp/));
  });
});
