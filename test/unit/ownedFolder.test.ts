import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeOwnedFolder } from "../../pipeline/ownedFolder.js";
import { currentOwner } from "../../pipeline/owner.js";

describe("a folder of a process's own", () => {
  let root: string;
  /** A folder as another process left it. */
  const left = async (name: string, owner: string | undefined) => {
    const folder = join(root, name);
    await mkdir(folder);
    if (owner !== undefined) await writeFile(join(folder, "owner.json"), owner);
    return name;
  };

  before(async () => (root = await mkdtemp(join(tmpdir(), "owned-"))));
  after(() => rm(root, { recursive: true }));

  it("is nobody else's, and takes the place of what dead processes left; what the living have stays", async () => {
    const first = await makeOwnedFolder(root, "ca");
    assert.equal((await stat(first)).mode & 0o777, 0o700);
    assert.equal((await stat(join(first, "owner.json"))).mode & 0o777, 0o600);
    const dead = JSON.stringify({ ...(await currentOwner()), started: "1" });
    await left("safe-migration-contents-dead", dead);
    await left("safe-migration-dump-broken", "{");
    const old = await left("safe-migration-recovery-unmarked", undefined);
    await utimes(join(root, old), 0, 0);
    const stays = [
      await left("safe-migration-contents-new", undefined),
      await left("safe-migration-store-of-somebody", dead),
    ];
    const second = await makeOwnedFolder(root, "contents");
    assert.deepEqual((await readdir(root)).sort(), [...stays, basename(first), basename(second)].sort());
  });
});
