import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { openFolderStore } from "../../../pipeline/store/folder.js";
import { openStore } from "../../../pipeline/store/open.js";
import { currentOwner, isAlive } from "../../../pipeline/owner.js";
import { checkPath } from "../../../pipeline/store/path.js";
import type { Store } from "../../../pipeline/store/store.js";
import { failsWith } from "../../pipeline/backupFixtures.js";
import { keepsStoreContract } from "../../support/storeContract.js";

describe("store in a folder", () => {
  let root: string;
  let store: Store;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "store-"));
    store = openFolderStore(pathToFileURL(join(root, "a store %20")).href);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const mode = async (path: string) => ((await stat(join(root, "a store %20", path))).mode & 0o777).toString(8);

  keepsStoreContract(() => store);

  it("writes for the owner's eyes only", async () => {
    await store.write("env/run/manifest.json", "é");
    assert.deepEqual(
      [await mode("env"), await mode("env/run"), await mode("env/run/manifest.json")],
      ["700", "700", "600"],
    );
  });
  it("leaves no half file behind a failed write", async () => {
    await mkdir(join(root, "a store %20", "env", "taken"), { recursive: true });
    await assert.rejects(store.write("env/taken", "x"), failsWith("STORE", /cannot be used/));
    assert.deepEqual(await readdir(join(root, "a store %20", "env")), ["taken"]);
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
  it("stages in place, and makes private what is published", async () => {
    const staging = await store.stage("env/run/dump");
    await writeFile(join(staging.directory, "file"), "x", { mode: 0o666 });
    await staging.publish();
    assert.equal(await mode("env/run/dump/file"), "600");
    assert.equal((await store.fetch("env/run/dump")).directory, staging.directory);
  });
  it("drops a folder without an owner only once it is no longer one that is being made", async () => {
    await mkdir(join(root, "a store %20/env/run/dump"), { recursive: true });
    assert.equal(await store.dropAbandoned("env/run/dump"), false, "its owner may be about to be written");
    await utimes(join(root, "a store %20/env/run/dump"), 0, 0);
    assert.equal(await store.dropAbandoned("env/run/dump"), true);
    assert.equal(await store.dropAbandoned("env/run/dump"), false);
  });
  it("knows this process", async () => {
    const owner = await currentOwner();
    assert.deepEqual([owner.host, owner.pid, await isAlive(owner)], [hostname(), process.pid, true]);
  });
  it("is the store of a file URL, and other URLs have others or none", () => {
    assert.equal(openStore("file:///x").url, "file:///x");
    assert.equal(openStore("s3://bucket/a/b/?region=eu-west-1").url, "s3://bucket/a/b");
    assert.throws(() => openStore("ftp://x/y"), failsWith("STORE_KIND", /ftp/));
  });
});
