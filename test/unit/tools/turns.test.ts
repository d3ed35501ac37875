import assert from "node:assert/strict";
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
});
