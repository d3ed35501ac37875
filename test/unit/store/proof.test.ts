import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Logger, silent } from "../../../pipeline/log.js";
import { openFolderStore } from "../../../pipeline/store/folder.js";
import { readProof, recordProof } from "../../../pipeline/store/proof.js";
import type { Store } from "../../../pipeline/store/store.js";

describe("the proof of a backup", () => {
  let root: string;
  let store: Store;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "store-"));
    store = openFolderStore(pathToFileURL(root).href);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const manifestSha256 = "a".repeat(64);
  const proof = { backup: "b", manifestSha256, by: "rehearse", run: "r", tables: 1, rows: 2 } as const;

  it("is that of one manifest, and counts for no other", async () => {
    assert.equal(await readProof(store, "local", { id: "b", manifestSha256 }), undefined);
    await recordProof(store, "local", proof, silent);
    assert.equal((await readProof(store, "local", { id: "b", manifestSha256 }))?.by, "rehearse");
    assert.equal(await readProof(store, "local", { id: "b", manifestSha256: "c".repeat(64) }), undefined);
    assert.equal(await readProof(store, "prod", { id: "b", manifestSha256 }), undefined);
  });

  it("is none where the file is not what this program writes", async () => {
    for (const text of ["", "{", "null", '{"backup":"b"}']) {
      await store.write("local/b/proved.json", text);
      assert.equal(await readProof(store, "local", { id: "b", manifestSha256 }), undefined);
    }
  });

  it("does not fail the restore that made it where the store cannot be written", async () => {
    const warned: string[] = [];
    const log: Logger = { ...silent, warn: (message) => warned.push(message) };
    const full: Store = { ...store, write: () => Promise.reject(new Error("no space")) };
    await recordProof(full, "local", proof, log);
    assert.match(warned.join(), /backup b is proved could not be noted.*no space/);
  });
});
