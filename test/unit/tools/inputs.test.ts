import assert from "node:assert/strict";
import { mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isStillMadeSo, madeOf } from "../../../tools/build/inputs.js";

describe("what a bundle was made of", () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const noted = () => at("target.made");

  const note = async (): Promise<boolean> => {
    const since = Date.now();
    await writeFile(at("target"), "made");
    const made = await madeOf(at("target"), { how: "so", sources: [at("a"), at("b")], since });
    await writeFile(noted(), JSON.stringify(made) ?? "");
    return made !== undefined;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "inputs-"));
    for (const name of ["a", "b"]) await writeFile(at(name), name);
    await sleep(150);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is the same as long as no file is another, and it is made in the same way", async () => {
    assert.equal(await isStillMadeSo(noted(), "so"), false);
    assert.ok(await note());
    assert.equal(await isStillMadeSo(noted(), "so"), true);
    assert.equal(await isStillMadeSo(noted(), "otherwise"), false);
  });

  it("is not where a source or what was made is changed, gone, or another file of the same size and time", async () => {
    const long = new Date("1985-10-26T08:15:00Z");
    const changes: Record<string, () => Promise<void>> = {
      written: () => writeFile(at("b"), "another"),
      gone: () => rm(at("a")),
      "as npm unpacks it": async () => {
        await writeFile(at("b"), "B");
        await utimes(at("b"), long, long);
      },
      "moved there": async () => {
        await writeFile(at("c"), "c");
        await rename(at("c"), at("b"));
      },
      "another target": () => writeFile(at("target"), "edit"),
      "unreadable note": () => writeFile(noted(), "{"),
    };
    for (const [name, change] of Object.entries(changes)) {
      await writeFile(at("a"), "a");
      await writeFile(at("b"), "b");
      await utimes(at("b"), long, long);
      await sleep(150);
      assert.ok(await note());
      assert.equal(await isStillMadeSo(noted(), "so"), true, name);
      await change();
      assert.equal(await isStillMadeSo(noted(), "so"), false, name);
    }
  });

  it("is not known where a source was written while it was made, or is gone", async () => {
    await writeFile(at("target"), "made");
    assert.equal(await madeOf(at("target"), { how: "so", sources: [at("c")], since: Date.now() }), undefined);
    const since = Date.now();
    await writeFile(at("a"), "meanwhile");
    assert.equal(await madeOf(at("target"), { how: "so", sources: [at("a"), at("b")], since }), undefined);
  });
});
