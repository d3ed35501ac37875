import assert from "node:assert/strict";
import { unpromoted } from "../../components/promotion.js";

describe("promotion", () => {
  const a = { name: "1_a", checksum: "aa" };
  const b = { name: "2_b", checksum: "bb" };

  it("takes what the stack before verified, to the byte", () => assert.deepEqual(unpromoted([a, b], [b, a]), []));
  it("names what it has not, and what it has in another version", () => {
    assert.deepEqual(unpromoted([a, b], [{ ...b, checksum: "other" }]), [
      { name: "1_a", reason: "absent" },
      { name: "2_b", reason: "other version" },
    ]);
  });
  it("takes nothing on the word of a stack that proved nothing", () => assert.equal(unpromoted([a], []).length, 1));
  it("asks nothing where nothing is pending", () => assert.deepEqual(unpromoted([], []), []));
});
