import assert from "node:assert/strict";
import fc from "fast-check";
import { estimateBackup } from "../../../pipeline/store/estimate.js";
import { backupIds, beyond } from "../../../pipeline/store/housekeeping.js";

describe("retention", () => {
  it("removes the oldest beyond what is kept", () =>
    assert.deepEqual(beyond(["d", "c", "b", "a"], 2, "d"), ["b", "a"]));
  it("never removes the newest nor the one just made", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: -3, max: 20 }), fc.nat(), (ids, keep, at) => {
        const justMade = ids[at % Math.max(1, ids.length)] ?? "";
        const removed = beyond(ids, keep, justMade);
        assert.ok(!removed.includes(justMade));
        assert.ok(ids.length === 0 || !removed.includes(ids[0] ?? ""));
        assert.ok(ids.length - removed.length >= Math.min(ids.length, Math.max(1, keep)));
      }),
    );
  });
  it("gives the backups of a run their numbers", () => assert.deepEqual(backupIds("r", 3), ["r", "r-2", "r-3"]));
});

describe("estimateBackup", () => {
  const mb = 1_048_576;
  it("is half of the tables where nothing is known", () => {
    assert.equal(estimateBackup({ database: 300 * mb, tables: 200 * mb }), 104 * mb);
  });
  it("goes by the newest backup's proportion", () => {
    const files = [{ path: "a", bytes: 10 * mb, sha256: "" }];
    assert.equal(estimateBackup({ database: 200 * mb, tables: 1 }, { files, databaseBytes: 100 * mb }), 28 * mb);
  });
});
