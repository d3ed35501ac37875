import assert from "node:assert/strict";
import { type Fingerprints, compareFingerprints, withoutExtension } from "../../../pipeline/postgres/fingerprints.js";

const base: Fingerprints = {
  algorithm: "chain-1",
  image: "exact",
  tables: [
    { schema: "public", name: "orders", rows: 2, hash: "17", columns: ["id", "total"] },
    { schema: "shop", name: "orders", rows: 1, hash: "-3", columns: ["id"] },
  ],
  largeObjects: { count: 1, hash: "5" },
  sequences: [
    { schema: "public", name: "up", last: "9007199254740993", called: true, increment: "1", cycles: false },
    { schema: "public", name: "down", last: "-4", called: true, increment: "-2", cycles: false },
    { schema: "public", name: "round", last: "9", called: true, increment: "1", cycles: true },
  ],
  materializedViews: [{ schema: "public", name: "view", populated: true }],
};

function changed(change: (copy: Fingerprints) => void): string[] {
  const copy = structuredClone(base);
  change(copy);
  return compareFingerprints(base, copy).map(({ kind, object, message }) => `${kind}: ${object} ${message}`);
}
function at<T>(list: T[], index: number): T {
  const item = list[index];
  assert.ok(item !== undefined);
  return item;
}

describe("compareFingerprints", () => {
  it("finds nothing between equals", () =>
    assert.deepEqual(
      changed(() => undefined),
      [],
    ));

  const job = { schema: "cron", name: "job", rows: 1, hash: "1", columns: ["id"], extension: "pg_cron" };
  const numbers = { schema: "cron", name: "ids", last: "1", called: true, increment: "1", cycles: false };
  it("expects no table of an extension that an older backup does not know, but one that it does know", () => {
    assert.deepEqual(
      changed((c) => c.tables.push(job)),
      [],
    );
    const known = { ...base, tables: [...base.tables, job] };
    assert.deepEqual(
      compareFingerprints(known, base).map(({ object, message }) => `${object} ${message}`),
      ["cron.job is missing"],
    );
  });
  it("expects nothing of an extension that is left out of a copy", () => {
    const known = { ...base, tables: [...base.tables, job], sequences: [...base.sequences, numbers] };
    assert.deepEqual(compareFingerprints(withoutExtension(known, "pg_cron"), base), []);
    assert.deepEqual(withoutExtension(base, "pg_cron"), base);
  });

  const cases: [string, (copy: Fingerprints) => void, string][] = [
    ["a missing table", (c) => c.tables.pop(), "table: shop.orders is missing"],
    ["a table too many", (c) => c.tables.push({ ...at(c.tables, 0), name: "x" }), "table: public.x was not expected"],
    ["a row", (c) => (at(c.tables, 0).rows = 3), "rows: public.orders has 3 rows, expected 2"],
    ["a value", (c) => (at(c.tables, 0).hash = "18"), "values: public.orders has other values in its 2 rows"],
    ["a column", (c) => (at(c.tables, 0).columns = ["id"]), "columns: public.orders lacks the columns total"],
    [
      "a new column",
      (c) => (at(c.tables, 1).columns = ["id", "x"]),
      "columns: shop.orders has the unexpected columns x",
    ],
    ["large objects' number", (c) => (c.largeObjects.count = 0), "largeObjects: large objects are 0, expected 1"],
    [
      "a large object's bytes",
      (c) => (c.largeObjects.hash = "6"),
      "largeObjects: large objects have other contents or numbers, 1 of them",
    ],
    [
      "a sequence behind by one beyond 2^53",
      (c) => (at(c.sequences, 0).last = "9007199254740992"),
      "sequence: public.up is behind: at 9007199254740992, expected 9007199254740993 or further",
    ],
    [
      "a sequence whose number was not handed out",
      (c) => (at(c.sequences, 0).called = false),
      "sequence: public.up is behind: at 9007199254740993, expected 9007199254740993 or further",
    ],
    [
      "a descending sequence behind",
      (c) => (at(c.sequences, 1).last = "-2"),
      "sequence: public.down is behind: at -2, expected -4 or further",
    ],
    ["a missing sequence", (c) => c.sequences.splice(2), "sequence: public.round is missing"],
    [
      "a view that is empty",
      (c) => (at(c.materializedViews, 0).populated = false),
      "materializedView: public.view was not refreshed",
    ],
    ["a missing view", (c) => c.materializedViews.pop(), "materializedView: public.view is missing"],
  ];
  for (const [what, change, expected] of cases)
    it(`finds ${what}`, () => assert.deepEqual(changed(change), [expected]));

  it("lets sequences be ahead, and one that cycles be anywhere", () => {
    const ahead = (c: Fingerprints) => {
      at(c.sequences, 0).last = "9007199254740999";
      at(c.sequences, 1).last = "-10";
      at(c.sequences, 2).last = "1";
    };
    assert.deepEqual(changed(ahead), []);
  });
  it("tells apart names that only look alike when joined", () => {
    const dotted = (schema: string, name: string): Fingerprints => ({
      ...base,
      tables: [{ ...at(base.tables, 0), schema, name }],
    });
    assert.equal(compareFingerprints(dotted("a.b", "c"), dotted("a", "b.c")).length, 2);
  });
  it("refuses to compare what was made in different ways", () => {
    assert.throws(() => compareFingerprints(base, { ...base, image: "text" }), /different ways/);
    assert.throws(() => compareFingerprints(base, { ...base, algorithm: "record-send-1" }), /different ways/);
  });
});
