import assert from "node:assert/strict";
import {
  type Column,
  type ColumnType,
  columnImage,
  fingerprintQuery,
  hasStableImage,
} from "../../../pipeline/postgres/columnImage.js";

function type(name: string, oid: number, more: Partial<ColumnType> = {}): ColumnType {
  return { oid, name, kind: "b", hasSend: true, output: `pg_catalog.${name}out`, ...more };
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
    ["a type without a binary form", type("aclitem", 1033, { hasSend: false }), false],
    ["a view's row type, numbered anew by each version", type("columns", 13_000, { kind: "c" }), false],
  ];
  for (const [what, ofType, stable] of cases) {
    it(`${stable ? "takes the image of" : "goes through text for"} ${what}`, () => {
      assert.equal(hasStableImage(ofType), stable);
    });
  }

  it("writes an enum through its output function, quoting the column", () => {
    assert.equal(columnImage({ name: 'a"b', type: mood }), 'pg_catalog.textin(pg_catalog.enum_out(t."a""b"))');
  });
  it("takes a domain down to what it is made of", () => {
    assert.equal(columnImage({ name: "a", type: text, domainOver: "text" }), 't."a"::text');
  });
  it("gives every NaN one image", () => {
    assert.match(columnImage({ name: "a", type: float8 }), /^CASE WHEN t\."a" = 'NaN'/);
  });
  it("goes through text everywhere where types may differ", () => {
    assert.equal(columnImage({ name: "a", type: text }, "text"), 'pg_catalog.textin(pg_catalog.textout(t."a"))');
  });
  it("hashes each row as one piece, of this table only", () => {
    const columns: Column[] = [{ name: "a", type: text }];
    assert.match(
      fingerprintQuery('s"', "t", columns),
      /ARRAY\[pg_catalog\.record_send\(ROW\(t\."a"\)\)\].* FROM ONLY "s"""\."t" AS t$/,
    );
  });
});
