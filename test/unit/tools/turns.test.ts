import assert from "node:assert/strict";
import { tellEnded } from "../../../tools/testing/ended.js";
import { Turns } from "../../../tools/testing/turns.js";

describe("output of work side by side", () => {
  it("comes one after the other, the first one's at once, whoever ends first", () => {
    const said: unknown[] = [];
    const turns = new Turns((chunk) => said.push(chunk));
    const [a, b, c] = [turns.next(), turns.next(), turns.next()];
    a.write("a1");
    b.write("b1");
    c.write("c1");
    c.end();
    assert.deepEqual(said, ["a1"]);
    a.write("a2");
    a.end();
    assert.deepEqual(said, ["a1", "a2", "b1"]);
    b.write("b2");
    assert.deepEqual(said, ["a1", "a2", "b1", "b2"]);
    b.end();
    assert.deepEqual(said, ["a1", "a2", "b1", "b2", "c1"]);
  });

  it("of what is held back a line is shown at once, on a line of its own", () => {
    let said = "";
    const turns = new Turns((chunk) => (said += String(chunk)));
    const [a, b] = [turns.next(), turns.next()];
    b.tell("b is at it");
    a.write(Buffer.from("a"));
    b.write("all of b\n");
    b.tell("b is done");
    a.tell("as everybody sees");
    a.write("b\n");
    a.end();
    b.tell("as everybody sees");
    assert.equal(said, "b is at it\na\nb is done\nb\nall of b\n");
  });

  it("says of a suite that has ended how it did, and nothing of other messages", () => {
    assert.equal(
      tellEnded({ suite: "backup", seconds: 12.34, passed: 9, failed: 0 }),
      "  … beside this: backup: 9 passed (12.3 s)",
    );
    assert.equal(
      tellEnded({ suite: "backup", seconds: 1, passed: 8, failed: 1 }),
      "  … beside this: backup: 8 passed, 1 failed (1.0 s)",
    );
    for (const other of [undefined, "hello", { suite: "backup" }]) assert.equal(tellEnded(other), undefined);
  });
});
