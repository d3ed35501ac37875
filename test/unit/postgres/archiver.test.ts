import assert from "node:assert/strict";
import fc from "fast-check";
import { PipelineError } from "../../../pipeline/errors.js";
import { assertArchiving } from "../../../pipeline/postgres/archiver.js";
import { restorePointName } from "../../../pipeline/postgres/restorePoint.js";

describe("a run and the archive of the server's log", () => {
  const well = {
    archiving: true,
    failing: false,
    failed: null,
    lastFailed: null,
    lastArchived: "2026-01-01 00:00:00+00",
    behind: false,
  };
  const failing = { ...well, failing: true, failed: "000000010000000000000007", lastFailed: "2026-01-01 01:00:00+00" };

  it("goes on where it is archived, and where it is none of the run's business", () => {
    assert.deepEqual(assertArchiving(well, "refuse"), []);
    assert.deepEqual(assertArchiving({ ...failing, archiving: false }, "refuse"), []);
  });

  it("is refused where archiving fails, naming the segment, or warned where that is accepted", () => {
    assert.throws(
      () => assertArchiving(failing, "refuse"),
      (error) =>
        error instanceof PipelineError &&
        error.code === "ARCHIVE_FAILING" &&
        error.kind === "refused" &&
        error.message.includes(failing.failed) &&
        error.next.includes("preflight.archive: warn"),
    );
    assert.match(assertArchiving(failing, "warn")[0] ?? "", /000000010000000000000007 failed at 2026-01-01 01:00/);
  });

  it("is warned where the archive is behind", () => {
    assert.match(assertArchiving({ ...well, behind: true }, "refuse")[0] ?? "", /last archived at 2026-01-01/);
  });

  it("names a restore point by run and migration, never longer than PostgreSQL takes nor with half a character", () => {
    assert.equal(restorePointName("r1", "20260101000000_a"), "safe-migration:r1:20260101000000_a");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), (migration) => {
        const name = restorePointName("20260101T000000Z-abcd", migration);
        assert.ok(Buffer.byteLength(name) <= 63);
        const whole = `safe-migration:20260101T000000Z-abcd:${migration}`;
        if (!whole.includes("\uFFFD")) assert.ok(whole.startsWith(name));
      }),
    );
  });
});
