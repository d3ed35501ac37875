import assert from "node:assert/strict";
import fc from "fast-check";
import { cutBytes, keptName, parseMark, renderMark, scratchName } from "../../../pipeline/postgres/scratchName.js";

describe("names of databases beside another one", () => {
  const now = new Date("2026-01-31T23:59:59.999Z");
  it("say what they are", () => {
    assert.equal(scratchName("shop", "restore", "run-2"), "shop_restore_run-2");
    assert.equal(scratchName("shop", "rehearse", "run-2", 3), "shop_rehearse_run-2_3");
    assert.equal(keptName("shop", now), "shop_before_20260131_235959");
  });
  it("are never longer than PostgreSQL takes, nor end in half a character", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 63 });
    const id = fc.string({ unit: fc.constantFrom(..."abc123-_"), minLength: 1, maxLength: 63 });
    fc.assert(
      fc.property(name, id, fc.integer({ min: 1, max: 99 }), (database, backup, attempt) => {
        for (const made of [scratchName(database, "restore", backup, attempt), keptName(database, now, attempt)]) {
          assert.ok(Buffer.byteLength(made) <= 63, made);
          assert.ok(!made.includes("\ufffd") || database.includes("\ufffd"));
          assert.notEqual(made, database);
        }
        assert.notEqual(
          scratchName(database, "restore", backup, attempt),
          scratchName(database, "restore", backup, attempt + 1),
        );
      }),
    );
  });
  it("differ for long identifiers that begin alike", () => {
    assert.notEqual(
      scratchName("a", "restore", `${"x".repeat(40)}1`),
      scratchName("a", "restore", `${"x".repeat(40)}2`),
    );
  });
  it("are cut by bytes", () => assert.equal(cutBytes("añb", 2), "a"));

  it("carry a mark that is read back, and nothing else is taken for one", () => {
    const mark = { of: 'a "b"', backup: "run", since: now.toISOString() };
    assert.deepEqual(parseMark(renderMark(mark)), mark);
    for (const comment of [null, "", "a comment", "safe-migration scratch: {", 'safe-migration scratch: {"of":1}'])
      assert.equal(parseMark(comment), undefined);
  });
});
