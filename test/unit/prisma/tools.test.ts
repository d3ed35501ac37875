import assert from "node:assert/strict";
import pg from "pg";
import { PipelineError } from "../../../pipeline/errors.js";
import { createShadowStatement } from "../../../pipeline/prisma/shadow.js";
import { describeSqlError } from "../../../pipeline/prisma/sqlError.js";
import { parseFlags } from "../../../tools/prisma/arguments.js";
import { parseUrl, sameTarget, urlWithoutPassword } from "../../../tools/prisma/databaseUrl.js";
import { parseArguments } from "../../../tools/prisma/engineArguments.js";

const database = {
  host: "db.example.com",
  port: 5433,
  name: "shop ü",
  user: "us/er",
  password: { from: "none" },
} as const;

describe("connection URLs", () => {
  for (const target of [
    database,
    { ...database, host: "/var/run/a socket" },
    { ...database, host: "::1" },
    { ...database, host: "127.0.0.1", name: 'quote"d?&=' },
  ]) {
    it(`hands on ${target.host} and "${target.name}" unchanged, without a password`, () => {
      const parsed = parseUrl(urlWithoutPassword({ ...target, schema: "sch ema&ü" }));
      assert.ok(parsed !== undefined && sameTarget(parsed.database, target));
      assert.deepEqual([parsed.password, parsed.database.schema], [undefined, "sch ema&ü"]);
    });
  }

  it("takes the password out of a URL that has one", () => {
    const parsed = parseUrl("postgres://u:p%40ss@h/d");
    assert.equal(parsed?.password, "p@ss");
    assert.ok(!JSON.stringify(parsed?.database).includes("p@ss"));
    assert.deepEqual([parsed?.database.port, parsed?.database.schema], [5432, undefined]);
  });

  for (const text of ["", "mysql://u@h/d", "postgresql://", "prisma+postgres://x"]) {
    it(`takes "${text}" for no PostgreSQL URL`, () => assert.equal(parseUrl(text), undefined));
  }
});

describe("the schema engine's command line", () => {
  it("reads what Prisma's CLI writes", () => {
    const args = [
      "--datamodels",
      "a.prisma",
      "--datamodels",
      "b.prisma",
      "--datasource",
      '{"url":"postgresql://u@h/d","shadowDatabaseUrl":"x"}',
    ];
    assert.deepEqual(parseArguments([...args, "--enabled-preview-features", "x,y"]), {
      datamodels: ["a.prisma", "b.prisma"],
      url: "postgresql://u@h/d",
      mode: "serve",
    });
    assert.equal(
      parseArguments(["--datasource", "{}", "cli", "can-connect-to-database"]).mode,
      "can-connect-to-database",
    );
    assert.equal(parseArguments(["--version"]).mode, "version");
  });

  for (const args of [["--nope"], ["--datasource"], ["cli", "format-disk"]]) {
    it(`refuses ${args.join(" ")}`, () => assert.throws(() => parseArguments(args)));
  }
});

describe("the commands' flags", () => {
  it("reads both spellings", () => {
    assert.equal(parseFlags("create", ["--name=a=b"]).name, "a=b");
    assert.equal(parseFlags("create", ["-n", "x"]).name, "x");
    assert.equal(parseFlags("reset", ["--force"]).force, true);
  });

  for (const [command, args] of [
    ["status", ["--force"]],
    ["create", ["--force"]],
    ["create", ["x"]],
    ["resolve", ["--applied"]],
    ["create", ["constructor"]],
  ] as const) {
    it(`refuses ${command} ${args.join(" ")}`, () => assert.throws(() => parseFlags(command, args), PipelineError));
  }
});

describe("createShadowStatement", () => {
  const like = { encoding: "UTF8", collate: "C", ctype: "C", provider: "c", locale: undefined };
  it("copies encoding and locale, of every provider, and sets the owner", () => {
    assert.equal(
      createShadowStatement("s", 'o"w', like),
      `create database "s" template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C' owner "o""w"`,
    );
    assert.match(
      createShadowStatement("s", undefined, { ...like, provider: "i", locale: "es" }),
      /locale_provider icu icu_locale 'es'$/,
    );
    assert.match(
      createShadowStatement("s", undefined, { ...like, provider: "b", locale: "C.UTF-8" }),
      /locale_provider builtin builtin_locale 'C.UTF-8'$/,
    );
  });
});

describe("describeSqlError", () => {
  const failed = (position: number | undefined) =>
    Object.assign(new pg.DatabaseError("syntax error", 0, "error"), { code: "42601", position: position?.toString() });

  it("counts characters as PostgreSQL does, and draws the caret under the place", () => {
    const script = "SELECT '🐘é';\r\n\tSELEC 1;\r\n";
    const at = Array.from(script).indexOf("S", 5) + 1;
    const { line, column, excerpt } = describeSqlError(failed(at), script);
    assert.deepEqual([line, column], [2, 2]);
    assert.equal(excerpt, "1 | SELECT '🐘é';\n2 | \tSELEC 1;\n  | \t^");
  });

  it("points at the statement where the error has no position, and at nothing where that is not known", () => {
    assert.equal(describeSqlError(failed(undefined), "a;\nb;", 3).line, 2);
    assert.equal(describeSqlError(failed(undefined), "a;\nb;").excerpt, "");
  });
});
