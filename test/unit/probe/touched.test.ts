import assert from "node:assert/strict";
import { touchedBy } from "../../../pipeline/probe/touched.js";
import { loadParser, planScript } from "../../../pipeline/prisma/plan.js";
import { setsTimeouts, timeoutClassOfAll, timeoutClassOf, timeoutsOf } from "../../../pipeline/prisma/timeouts.js";

before(loadParser);

describe("the tables that a migration touches", () => {
  const cases: readonly (readonly [sql: string, tables: string[], others?: string[]])[] = [
    ['ALTER TABLE "Order" ADD COLUMN a int', ["Order"]],
    ["ALTER TABLE shop.a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES other.b (id)", ["a", "b"]],
    ["ALTER TABLE a ADD COLUMN b int REFERENCES c", ["a", "c"]],
    ["CREATE TABLE mine (id int REFERENCES parent (id))", ["parent"]],
    ["CREATE INDEX CONCURRENTLY i ON a (b)", ["a"]],
    ["DROP INDEX i", [], ["i"]],
    ["REINDEX TABLE a", [], ["a"]],
    ["DROP TABLE a", ["a"]],
    ["ALTER TABLE a RENAME TO b", ["a"]],
    ["UPDATE a SET b = 1 FROM c", ["a"]],
    ["CREATE TYPE t AS ENUM ('a')", []],
  ];
  for (const [sql, tables, others = []] of cases) {
    it(sql, () => {
      const touched = touchedBy(sql);
      assert.deepEqual(
        touched.tables.map(({ name }) => name),
        tables,
      );
      assert.deepEqual(
        touched.others.map(({ name }) => name),
        others,
      );
      assert.equal(touched.anything, false);
    });
  }

  it("may be any where something cannot be seen into", () => {
    assert.equal(touchedBy("DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE a'; END $$").anything, true);
    assert.equal(touchedBy("CREATE TABEL a").anything, true);
  });
});

describe("the timeouts of a statement", () => {
  const classOf = (sql: string) => {
    const plan = planScript(sql);
    const [statement] = plan.kind === "alone" ? [plan.statement] : plan.statements;
    assert.ok(statement !== undefined, sql);
    return timeoutClassOf(statement.node);
  };
  const classes = {
    patient: [
      "CREATE INDEX CONCURRENTLY a ON b (c)",
      "DROP INDEX CONCURRENTLY a",
      "REINDEX (CONCURRENTLY) TABLE a",
      "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
    ],
    online: ["VACUUM a", "VACUUM (FULL off) a", "ALTER TABLE a VALIDATE CONSTRAINT b", "ANALYZE a"],
    ordinary: [
      "CREATE INDEX a ON b (c)",
      "REINDEX (CONCURRENTLY off) TABLE a",
      "VACUUM (FULL) a",
      "ALTER TABLE a VALIDATE CONSTRAINT b, ADD c int",
      "ALTER TABLE a ADD c int",
    ],
  } as const;
  for (const [kind, statements] of Object.entries(classes)) {
    for (const sql of statements) it(`${sql}: ${kind}`, () => assert.equal(classOf(sql), kind));
  }

  it("is that of the strictest where statements share a transaction", () => {
    const all = (sql: string) => {
      const plan = planScript(sql);
      assert.equal(plan.kind, "transaction");
      return timeoutClassOfAll(plan.statements);
    };
    assert.equal(all("ALTER TABLE a VALIDATE CONSTRAINT b; ALTER TABLE a VALIDATE CONSTRAINT c"), "online");
    assert.equal(all("ALTER TABLE a VALIDATE CONSTRAINT b; ALTER TABLE a ADD d int"), "ordinary");
    assert.equal(all(""), "ordinary");
  });

  it("lets what waits for everybody wait, and gives what blocks seconds", () => {
    const limits = { lockTimeoutMs: 5, statementTimeoutMs: 50, concurrentTimeoutMs: 500 };
    assert.deepEqual(timeoutsOf("ordinary", limits), { lock: 5, statement: 50 });
    assert.deepEqual(timeoutsOf("online", limits), { lock: 5, statement: 500 });
    assert.deepEqual(timeoutsOf("patient", limits), { lock: 0, statement: 500 });
  });

  it("is left to a file that sets it", () => {
    const sets = (sql: string) => {
      const plan = planScript(`-- no-transaction\n${sql}`);
      assert.ok(plan.kind !== "refused");
      return setsTimeouts(plan);
    };
    assert.equal(sets("SET lock_timeout = '1s'; VACUUM a"), true);
    assert.equal(sets("SET search_path = b; VACUUM a"), false);
  });
});
