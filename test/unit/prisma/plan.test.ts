import assert from "node:assert/strict";
import fc from "fast-check";
import { loadParser, planScript } from "../../../pipeline/prisma/plan.js";

describe("planScript", () => {
  before(loadParser);

  const alone = [
    "CREATE INDEX CONCURRENTLY i ON t (a)",
    "-- why\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (a);",
    "DROP INDEX CONCURRENTLY i;",
    "REINDEX TABLE CONCURRENTLY t",
    "REINDEX (CONCURRENTLY) INDEX i",
    "REINDEX SCHEMA s",
    "REINDEX DATABASE d",
    "VACUUM FULL t",
    "CLUSTER",
    "CREATE DATABASE d",
    "DROP DATABASE d",
    "CREATE TABLESPACE s LOCATION '/x'",
    "DROP TABLESPACE s",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "ALTER DATABASE d SET TABLESPACE s",
    "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
    "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
    "DROP SUBSCRIPTION s",
    "DISCARD ALL",
  ];
  for (const sql of alone)
    it(`sends alone: ${sql.replace(/\s+/g, " ")}`, () => assert.equal(planScript(sql).kind, "alone"));

  const transactional = [
    "",
    "  \n",
    "-- a comment only\n/* and another */",
    "CREATE INDEX i ON t (a); CLUSTER t; ANALYZE t; REINDEX TABLE t",
    "ALTER TABLE t DETACH PARTITION p",
    "ALTER DATABASE d SET work_mem = '1MB'",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false)",
    "REINDEX (CONCURRENTLY false) TABLE t",
    "CALL p(); DO $$ BEGIN COMMIT; END $$",
    "ALTER TYPE e ADD VALUE 'x'",
    "SAVEPOINT a; ROLLBACK TO a",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMIT; END; $$; SELECT 'VACUUM; COMMIT'",
  ];
  for (const sql of transactional) {
    it(`runs in one transaction: ${JSON.stringify(sql)}`, () => {
      const plan = planScript(sql);
      assert.ok(plan.kind === "transaction" && plan.parsed);
      assert.equal(plan.script, sql);
    });
  }

  it("leaves what it cannot read to the server, and does not call it parsed", () => {
    const plan = planScript("CREATE TABLE t (SYNTAX OF POSTGRESQL 99)");
    assert.ok(plan.kind === "transaction" && !plan.parsed);
  });

  it("refuses a mixture, naming line and statement", () => {
    const plan = planScript("ALTER TABLE t ADD a int; -- é\n\nCREATE INDEX CONCURRENTLY i ON t (a);");
    assert.ok(plan.kind === "refused");
    assert.match(plan.reason, /^line 3: CREATE INDEX CONCURRENTLY /);
    assert.match(plan.remedy, /-- no-transaction/);
  });

  it("runs one by one what says so at its head, and only there", () => {
    const body = "ALTER TABLE t ADD a int;\nVACUUM t;";
    const plan = planScript(`-- by hand\n\n  -- no-transaction: big table\n${body}`);
    assert.ok(plan.kind === "statements");
    assert.deepEqual(
      plan.statements.map(({ text }) => text),
      ["ALTER TABLE t ADD a int", "VACUUM t"],
    );
    assert.equal(planScript(`${body}\n-- no-transaction`).kind, "refused");
    assert.equal(planScript(`SELECT '-- no-transaction';\n${body}`).kind, "refused");
  });

  it("refuses a transaction that the file does not end, naming its line", () => {
    for (const sql of [
      "SELECT 1;\nBEGIN; CREATE TABLE t (a int);",
      "COMMIT;\nSTART TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1; SAVEPOINT a; RELEASE a",
      "-- no-transaction\nBEGIN; SELECT 1; COMMIT; SELECT 2; BEGIN; SELECT 3",
      "BEGIN;\nSELECT 1; COMMIT AND CHAIN; SELECT 2",
    ]) {
      const plan = planScript(sql);
      assert.ok(plan.kind === "refused", sql);
      assert.match(plan.reason, /^line 2: this transaction is still open/);
    }
    for (const ended of [
      "BEGIN; SELECT 1; ROLLBACK",
      "BEGIN; SELECT 1; PREPARE TRANSACTION 'x'",
      "COMMIT; SELECT 1; BEGIN",
    ])
      assert.notEqual(planScript(ended).kind, "refused", ended);
  });

  it("takes plain pairs of BEGIN and COMMIT out, every position kept", () => {
    const sql = "-- ☃\nBEGIN;\nCREATE TYPE e AS ENUM ('ä');\nCOMMIT;\nSELECT 1;\nSTART TRANSACTION; SELECT 2; END;";
    const plan = planScript(sql);
    assert.ok(plan.kind === "transaction");
    assert.equal(plan.script.length, sql.length);
    assert.equal(plan.script.indexOf("SELECT 2"), sql.indexOf("SELECT 2"));
    assert.doesNotMatch(plan.script, /BEGIN|COMMIT|START|END/);
    assert.equal(plan.statements.length, 3);
  });

  for (const sql of [
    "COMMIT; BEGIN",
    "BEGIN; ROLLBACK",
    "BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT",
    "BEGIN; COMMIT AND CHAIN; COMMIT",
    "BEGIN; ALTER TYPE e ADD VALUE 'x'; COMMIT; SELECT 'x'::e",
    "-- no-transaction\nBEGIN; SELECT 1; COMMIT",
    "PREPARE TRANSACTION 'x'",
    "BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1; COMMIT",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1",
  ]) {
    it(`sends as it is: ${JSON.stringify(sql)}`, () => assert.equal(planScript(sql).kind, "own-transaction"));
  }

  it("finds every statement where it stands, whatever comments and characters are between", () => {
    const filler = fc.constantFrom("", " ", "\n", "-- ; é ☃ 🐘\n", "/* ; '\" */", "\t\r\n");
    const statement = fc.constantFrom("SELECT 1", "SELECT ';🐘'", 'SELECT "a;" FROM t', "SELECT $é$;$é$");
    fc.assert(
      fc.property(fc.array(fc.tuple(filler, statement), { minLength: 1, maxLength: 6 }), (parts) => {
        const sql = parts.map(([before, text]) => `${before}${text}`).join(";");
        const plan = planScript(sql);
        assert.ok(plan.kind === "transaction" && plan.parsed);
        assert.deepEqual(
          plan.statements.map(({ text, offset }) => [text, sql.startsWith(text, offset)]),
          parts.map(([, text]) => [text, true]),
        );
      }),
    );
  });
});
