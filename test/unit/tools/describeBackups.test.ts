import assert from "node:assert/strict";
import type { BackupsResult } from "../../../pipeline/contracts.js";
import { byHand } from "../../../tools/commands/byHand.js";
import { describeBackups, size } from "../../../tools/commands/describeBackups.js";

const result: BackupsResult = {
  stage: "backups",
  run: "r",
  environment: "local",
  at: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
  store: "file:///store",
  verified: false,
  backups: [
    {
      id: "checkpoint-a",
      state: "complete",
      made: "2026-01-02T03:04:05.000Z",
      run: "r1",
      checkpoint: "a",
      bytes: 5_000_000,
      tables: 3,
      rows: 1234,
      migrations: 7,
      proved: { at: "2026-01-02T03:05:00.000Z", by: "rehearse" },
    },
    { id: "large", state: "complete", made: "2026-01-01T03:04:05.000Z", run: "large", method: "pgbackrest", rows: 9 },
    { id: "old", state: "damaged", reason: "it ends too early" },
  ],
};

describe("the list of backups", () => {
  it("has a line for each, and says what is wrong with the damaged ones", () => {
    const text = describeBackups(result);
    assert.match(
      text,
      /checkpoint-a \(checkpoint "a"\).*2026-01-02 03:04.*r1.*4883 kB.*3.*1234.*7.*03:05 \(rehearse\)/,
    );
    assert.match(text, /large.*2026-01-01 03:04.*pgbackrest.*9.*no.*complete/);
    assert.match(text, /^old: it ends too early$/m);
    assert.match(text, /--verify reads every byte/);
    assert.match(describeBackups({ ...result, backups: [] }), /^There is no backup of "local" in file/);
  });
  it("gives sizes in units that people read", () =>
    assert.deepEqual([0, 9_999, 10_000, 50 * 1024 ** 3].map(size), ["0 B", "9999 B", "10 kB", "50 GB"]));
});

describe("commands that people type", () => {
  const ask = (name: string, flags: object) => byHand[name]?.ask({ environment: "staging", ...flags });

  it("ask for the stage and what it needs", () => {
    assert.deepEqual(ask("restore", { run: "r", into: "copy" }), {
      stage: "restore",
      more: { ofRun: "r", into: "copy" },
    });
    assert.deepEqual(ask("restore", { list: true, backup: "x" }), { stage: "backups", more: { verify: false } });
    assert.deepEqual(ask("restore:checkpoint", {}), { stage: "restore", more: { checkpoint: "newest" } });
    assert.deepEqual(ask("checkpoint", { remove: "a" }), {
      stage: "checkpoint",
      more: { name: "a", action: "remove" },
    });
    assert.throws(() => ask("checkpoint", {}), /needs a name/);
    assert.throws(() => ask("checkpoint", { name: "a", remove: "a" }), /needs a name/);
  });
  it("find a flag that npm kept for itself", () => {
    const [list] = byHand["restore"]?.options.filter((option) => option.long === "--list") ?? [];
    assert.equal(list?.envVar, "npm_config_list");
  });
});
