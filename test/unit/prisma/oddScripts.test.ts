import assert from "node:assert/strict";
import pg from "pg";
import { charactersOf, unitsOf } from "../../../pipeline/prisma/codePoints.js";
import { excerptOf } from "../../../pipeline/prisma/excerpt.js";
import { loadParser, planScript } from "../../../pipeline/prisma/plan.js";
import { describeSqlError } from "../../../pipeline/prisma/sqlError.js";

describe("files that only a client program can run", () => {
  before(() => loadParser());

  const refused: readonly (readonly [what: string, sql: string, line: number, reason: RegExp])[] = [
    ["a byte order mark", "\uFEFFSELECT 1;", 1, /byte order mark/],
    ["nothing but a byte order mark", "\uFEFF", 1, /byte order mark/],
    ["what pg_dump writes", "-- dump\n\n\\restrict aB3\nSELECT 1;", 3, /\\restrict is a command of the program psql/],
    ["a meta-command after text", "SELECT 'é🐘';\nSELECT 1 \\gexec\n", 2, /\\gexec is/],
    [
      "rows after COPY",
      "SELECT 1;\nCOPY a (b, c)\n  FROM stdin WITH (FORMAT csv);\n1,x\n\\.\n",
      2,
      /COPY … FROM stdin/,
    ],
    ["COPY whose rows are missing", "SELECT 1;\nCOPY a FROM STDIN;", 2, /COPY … FROM stdin/],
  ];
  for (const [what, sql, line, reason] of refused) {
    it(`refuses ${what}, naming the line`, () => {
      const plan = planScript(sql);
      assert.ok(plan.kind === "refused", plan.kind);
      assert.match(plan.reason, reason);
      assert.ok(plan.reason.startsWith(`line ${line}: `), plan.reason);
      assert.match(plan.remedy, /\.$/);
    });
  }

  for (const sql of [
    "COPY a FROM '/srv/a.csv';",
    "COPY a FROM PROGRAM 'cat';",
    "COPY a TO STDOUT;",
    "SELECT '\\restrict', $$\n\\copy a from stdin\n$$;",
    "-- COPY a FROM stdin;\nSELECT E'\\\\';",
    "CREATE TABLE nothing (that SYNTAX of 99);",
  ]) {
    it(`does not refuse: ${JSON.stringify(sql)}`, () => assert.equal(planScript(sql).kind, "transaction"));
  }
});

describe("places in a script", () => {
  it("are counted in characters, as PostgreSQL does, and back", () => {
    const text = "a🐘é\n🐘";
    assert.deepEqual(
      [unitsOf(text, 2), unitsOf(text, 99), charactersOf(text, 3), charactersOf(text, 99)],
      [3, 7, 2, 5],
    );
  });

  it("are shown with a part of a long line, the caret under the same character", () => {
    const script = `SELECT 1;\nSELECT ${"x, ".repeat(500)}nobody FROM t;`;
    const column = script.split("\n")[1]?.indexOf("nobody") ?? 0;
    const [, shown = "", caret = ""] = excerptOf(script, 2, column + 1).split("\n");
    assert.ok(shown.length < 200);
    assert.equal(shown.indexOf("nobody"), caret.indexOf("^"));
  });

  it("are shown without the password of a role", () => {
    const excerpt = excerptOf("CREATE ROLE a PASSWORD 's3''cret' NOPE;", 1, 35);
    assert.doesNotMatch(excerpt, /s3|cret/);
    const [shown = "", caret = ""] = excerpt.split("\n");
    assert.equal(shown.indexOf("NOPE"), caret.indexOf("^"));
  });
});

describe("advice", () => {
  const failed = (code: string, message: string) => Object.assign(new pg.DatabaseError(message, 0, "error"), { code });
  it("tells the setting that ended a statement, and not after a cancellation", () => {
    const advised = describeSqlError(failed("57014", "canceling statement due to statement timeout"), "");
    assert.match(advised.message, /migrate\.statementTimeoutMs/);
    const cancelled = describeSqlError(failed("57014", "canceling statement due to user request"), "");
    assert.doesNotMatch(cancelled.message, /statementTimeoutMs/);
  });

  it("tells how an extension is made that only a superuser may make", () => {
    const { message } = describeSqlError(failed("42501", 'permission denied to create extension "postgis"'), "");
    assert.match(message, /as a superuser.*CREATE EXTENSION IF NOT EXISTS "postgis";/);
  });
});

describe("the place of an error", () => {
  const script = "-- The type of a column,\n  -- with an index over it.\nALTER TABLE t ALTER c TYPE b;";
  const at = (position: number) =>
    describeSqlError(
      Object.assign(new pg.DatabaseError("no", 0, "error"), { position: String(position) }),
      script,
      script.indexOf("ALTER"),
    );
  it("is where PostgreSQL points", () => assert.deepEqual([at(56).line, at(56).column], [3, 3]));
  it("is never in a comment, as PostgreSQL then counts in a text of its own", () => {
    for (const position of [1, 10, 30]) assert.equal(at(position).line, 3);
  });
});
