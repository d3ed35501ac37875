import assert from "node:assert/strict";
import {
  type Column,
  type ColumnType,
  columnText,
  columnValue,
  hasStableImage,
  withOneNaN,
} from "../../../pipeline/postgres/columnImage.js";
import { fingerprintQuery, rowHash } from "../../../pipeline/postgres/rowHash.js";

function type(name: string, oid: number, more: Partial<ColumnType> = {}): ColumnType {
  const functions = { send: `pg_catalog.${name}send`, output: `pg_catalog.${name}out` };
  return { oid, name, kind: "b", length: -1, ...functions, ...more };
}
const text = type("text", 25);
const float8 = type("float8", 701);
const mood = type("mood", 16_400, { kind: "e", output: "pg_catalog.enum_out" });

describe("columnImage", () => {
  const cases: [string, ColumnType, boolean][] = [
    ["text", text, true],
    ["an array of text", type("_text", 1009, { element: { oid: 25, name: "text" } }), true],
    ["a built-in range", type("int4range", 3904, { kind: "r" }), true],
    ["a float, which has many NaNs", float8, false],
    ["an array of floats", type("_float8", 1022, { element: { oid: 701, name: "float8" } }), false],
    ["a point, made of floats", type("point", 600), false],
    ["an object's number", type("regclass", 2205), false],
    ["an array of them", type("_regclass", 2210, { element: { oid: 2205, name: "regclass" } }), false],
    ["an enum of one's own", mood, false],
    ["an extension's type", type("citext", 16_500), false],
    ["a type without a binary form", type("aclitem", 1033, { send: undefined }), false],
    ["a view's row type, numbered anew by each version", type("columns", 13_000, { kind: "c" }), false],
  ];
  for (const [what, ofType, stable] of cases) {
    it(`${stable ? "takes the image of" : "goes through text for"} ${what}`, () => {
      assert.equal(hasStableImage(ofType), stable);
    });
  }

  it("writes an enum through its output function, quoting the column", () => {
    assert.equal(
      columnText({ name: 'a"b', type: mood, notNull: true }),
      'pg_catalog.textin(pg_catalog.enum_out(t."a""b"))',
    );
  });
  it("takes a domain down to what it is made of", () => {
    assert.equal(columnValue({ name: "a", type: text, domainOver: "text", notNull: true }), 't."a"::text');
  });
  it("gives every NaN one image", () => {
    assert.match(withOneNaN({ name: "a", type: float8, notNull: true }) ?? "", /^CASE WHEN t\."a" = 'NaN'/);
    assert.equal(withOneNaN({ name: "a", type: text, notNull: true }), undefined);
  });
});

describe("rowHash", () => {
  const column = (name: string): Column => ({ name, type: text, notNull: false });

  it("goes through text everywhere where types may differ", () => {
    assert.match(rowHash([column("a")], "text"), /textin\(pg_catalog\.textout\(t\."a"\)\)/);
  });
  it("makes each column's hash the seed of the next one's", () => {
    assert.match(
      rowHash([column("a"), column("b")], "exact"),
      /^pg_catalog\.hashtextextended\(.*t\."b".*, pg_catalog\.hashtextextended\(.*t\."a"/,
    );
  });
  it("never nests deeper than one chain, and hashes several chains as one record", () => {
    const wide = rowHash(
      Array.from({ length: 100 }, (_, at) => column(`c${at}`)),
      "exact",
    );
    assert.match(wide, /^pg_catalog\.hash_array_extended\(ARRAY\[pg_catalog\.record_send\(ROW\(/);
    let [depth, deepest] = [0, 0];
    for (const character of wide) {
      if (character === "(") deepest = Math.max(deepest, ++depth);
      if (character === ")") depth--;
    }
    assert.ok(deepest < 50, `${deepest} levels`);
  });
  it("hashes rows of this table only, and those without a column as well", () => {
    assert.match(
      fingerprintQuery("s", "t", [], "exact", "chain-1", "WHERE id > 9"),
      / FROM \(SELECT \* FROM ONLY "s"\."t" WHERE id > 9\) AS t$/,
    );
    assert.match(fingerprintQuery('s"', "t", []), /sum\(0::int8\).* FROM ONLY "s"""\."t" AS t$/);
  });
});
