import assert from "node:assert/strict";
import { loadParser } from "../../../pipeline/prisma/plan.js";
import { type Named, declarationsOf, means, unreadableDeclarations } from "../../../pipeline/rehearsal/declarations.js";
import { type Observed, declare, describeObserved, judge } from "../../../pipeline/rehearsal/observed.js";

describe("what a migration declares that it does to data", () => {
  before(() => loadParser());
  const texts = (sql: string) => declarationsOf(sql).map(({ effect, text, line }) => `${line} ${effect} ${text}`);

  it("is read from comments, by line, in any case, and from nothing else", () => {
    const sql = `-- changes: "Order".total, shop.users.email
SELECT '-- drops: a.b', $$ -- drops: c.d $$; /* -- drops: e.f */
--DROPS:users.phone , "odd, ""name"""."a.b"
SELECT 1; -- deletes: sesión
-- this changes: nothing
-- changes: "Order".*`;
    assert.deepEqual(texts(sql), [
      '1 changes "Order".total',
      "1 changes shop.users.email",
      "3 drops users.phone",
      '3 drops "odd, ""name"""."a.b"',
      "4 deletes sesión",
      '6 changes "Order".*',
    ]);
    assert.deepEqual(declarationsOf(sql)[3]?.parts[0], { name: 'odd, "name"', quoted: true });
  });

  it("is prose where it cannot be read, declares nothing, and is told with its line", () => {
    for (const bad of ["", "a b", "a.", ".a", "a,,b", 'a."b', "a.b.c.d", "*.a", "a.b because", "1a"]) {
      const sql = `SELECT 1;\n-- Changes: ${bad}\n-- drops: a`;
      assert.deepEqual(texts(sql), ["3 drops a"], bad);
      assert.deepEqual(unreadableDeclarations(sql), [{ text: `-- Changes: ${bad}`.trimEnd(), line: 2 }], bad);
    }
  });

  it("means tables and columns as SQL does: case counts in quotes only, the schema may be left out", () => {
    const column: Named = { schema: "public", table: "Order", column: "total" };
    const table: Named = { schema: "public", table: "Order" };
    const meant = (text: string, named: Named) => {
      const [declaration] = declarationsOf(`-- changes: ${text}`);
      assert.ok(declaration);
      return means(declaration, named);
    };
    for (const yes of ['"Order".total', "order.TOTAL", "public.order.total", '"Order".*', 'public."Order".*'])
      assert.ok(meant(yes, column), yes);
    for (const no of ["total", '"order".total', "orders.total", 'shop."Order".total', '"Order"', "public.*"])
      assert.ok(!meant(no, column), no);
    assert.ok(meant("order", table) && meant('public."Order"', table));
    assert.ok(!meant('"Order".total', table) && !meant("*", table));
  });

  it("is held against what was seen, under each of its names", () => {
    const renamed: Observed = {
      effect: "changes",
      names: [
        { schema: "public", table: "Old", column: "a" },
        { schema: "public", table: "new", column: "b" },
      ],
      rows: 2,
    };
    const gone: Observed = { effect: "drops", names: [{ schema: "public", table: "Old" }], rows: 1 };
    const { declared, undeclared, unused } = judge(
      [renamed, gone],
      declarationsOf('-- changes: new.b\n-- deletes: "Old"'),
    );
    assert.deepEqual([declared, undeclared], [[renamed], [gone]]);
    assert.deepEqual(
      unused.map(({ text }) => text),
      ['"Old"'],
    );
    assert.deepEqual([renamed, gone].map(describeObserved), [
      "public.Old.a: values changed in 2 rows",
      "public.Old: dropped with 1 row",
    ]);
    assert.deepEqual(declare([renamed, gone]), ['-- changes: public."Old".a', '-- drops: public."Old"']);
    assert.deepEqual(judge([renamed, gone], declarationsOf(declare([renamed, gone]).join("\n"))).undeclared, []);
  });
});
