import assert from "node:assert/strict";
import fc from "fast-check";
import { withoutLiterals } from "../../../pipeline/postgres/withoutLiterals.js";

describe("a query as it may be shown", () => {
  const shown: readonly (readonly [query: string, shown: string])[] = [
    ["SELECT 1 FROM a WHERE b = 'O''Hara' AND c IN (1, 2.5e3)", "SELECT ? FROM a WHERE b = ? AND c IN (?, ?)"],
    [`UPDATE "Order 2" SET "it""s" = E'a\\'b', n = $1`, `UPDATE "Order 2" SET "it""s" = ?, n = $1`],
    ["SELECT $$secret$$, $t$it's $$ secret$t$, B'101', U&'\\0041' -- secret", "SELECT ?, ?, ?, ?"],
    ["SELECT /* secret\n */ col1, t2.x3 FROM t2 WHERE col1 = -7", "SELECT col1, t2.x3 FROM t2 WHERE col1 = -?"],
    ["SELECT * FROM a WHERE name = 'cut off in the midd", "SELECT * FROM a WHERE name = ?"],
    ["DO $body$ cut off", "DO ?"],
    ["COMMIT", "COMMIT"],
  ];
  for (const [query, expected] of shown) {
    it(query.replace(/\s+/g, " "), () => assert.equal(withoutLiterals(query), expected));
  }

  it("never shows what stands in a string, wherever the query was cut off", () => {
    const value = fc.string({ unit: fc.constantFrom("Z", "'", "\\", "$", '"', "-", "/", "*", " ") });
    fc.assert(
      fc.property(value, fc.nat(200), (text, cut) => {
        const query = `SELECT a FROM b WHERE c = '${text.replaceAll("'", "''")}' AND d = 'Z' OR e = 1`;
        assert.doesNotMatch(withoutLiterals(query.slice(0, cut)), /Z/);
      }),
    );
  });

  it("cuts what is long", () => assert.equal(withoutLiterals(`SELECT ${"a, ".repeat(100)}b`, 20).length, 20));
});
