import assert from "node:assert/strict";
import { few } from "../../pipeline/few.js";

describe("a list in one sentence", () => {
  it("names the first, and how many more there are", () => {
    assert.equal(few([]), "");
    assert.equal(few(["a", "b"], { most: 2 }), "a, b");
    assert.equal(few(["a", "b", "c", "d"], { most: 2, separator: "; " }), "a; b and 2 more");
  });
});
