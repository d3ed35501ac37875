import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { parseSync } from "libpg-query";
import { loadParser } from "../../../pipeline/prisma/plan.js";
import { assessMigrations } from "../../../pipeline/risk/assess.js";
import type { FileRisk } from "../../../pipeline/risk/types.js";
import { rules } from "../../../pipeline/risk/rules/index.js";
import { shop } from "./assessed.js";
import { rowsOfTables } from "./rowsOfTables.js";
import { rowsOfTypesAndData } from "./rowsOfTypesAndData.js";

const sample = path.resolve(__dirname, "../../../prisma/migrations");
const corpus: readonly string[] = [
  ...rules.map(({ example }) => example),
  ...[rowsOfTables, rowsOfTypesAndData].flatMap((rows) =>
    Object.values(rows).flatMap((cases) => cases.map(({ sql }) => sql)),
  ),
  ...readdirSync(sample)
    .filter((name) => /^\d/.test(name))
    .map((name) => readFileSync(path.join(sample, name, "migration.sql"), "utf8")),
];
const words = [...new Set(corpus.flatMap((sql) => sql.match(/\w+|"[^"]*"|'[^']*'|[^\s\w]/g) ?? []))];
const odd = [
  "\0",
  "\uFEFF",
  "\r\n",
  "$$",
  "$a$",
  "'",
  '"',
  "/*",
  "*/",
  "--",
  ";",
  "\\",
  "é",
  "𝒳",
  "E'\\'",
  'U&"\\0061"',
  "((((",
  "::",
  "\u2028",
];

type Mutation = {
  readonly kind: "insert" | "remove" | "repeat" | "cut" | "swap";
  readonly at: number;
  readonly length: number;
  readonly text: string;
};
const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("insert", "remove", "repeat", "cut", "swap"),
  at: fc.nat(4_000),
  length: fc.nat(40),
  text: fc.oneof(fc.constantFrom(...words), fc.constantFrom(...odd), fc.string({ unit: "binary" })),
});

function mutate(sql: string, { kind, at, length, text }: Mutation): string {
  const from = sql.length === 0 ? 0 : at % sql.length;
  const [head, middle, tail] = [sql.slice(0, from), sql.slice(from, from + length), sql.slice(from + length)];
  switch (kind) {
    case "insert":
      return `${head} ${text} ${middle}${tail}`;
    case "remove":
      return `${head}${tail}`;
    case "repeat":
      return `${head}${middle}${middle}${tail}`;
    case "cut":
      return head;
    case "swap":
      return `${head}${text}${tail}`;
  }
}

function isReadable(sql: string): boolean {
  try {
    parseSync(sql);
    return !sql.includes("\0");
  } catch {
    return false;
  }
}

async function judge(sql: string): Promise<FileRisk> {
  const migrations = [shop, sql].map((text, at) => ({ name: String(at), path: String(at), sql: text }));
  const [risk] = await assessMigrations(migrations, new Set(["1"]), { postgresMajor: 15, largeTableBytes: 1e8 });
  assert.ok(risk);
  return risk;
}

describe("risk: fuzz", function () {
  this.timeout(60_000);
  before(() => loadParser());

  it("SQL with words and signs put in, taken out and cut off never stops it, and is never safe where it cannot be read", async () => {
    let unreadable = 0;
    const property = fc.asyncProperty(
      fc.constantFrom(...corpus),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      async (sql, mutations) => {
        const text = mutations.reduce(mutate, sql);
        const risk = await judge(text);
        const lines = text.split("\n").length;
        for (const { line, message, safer } of risk.findings)
          assert.ok(line >= 1 && line <= lines && message !== "" && safer !== "");
        if (isReadable(text) || text.trim() === "") return;
        unreadable += 1;
        assert.equal(risk.tier, "dangerous", JSON.stringify(text));
      },
    );
    await fc.assert(property, { numRuns: 1_500 });
    assert.ok(unreadable > 300, `only ${unreadable} texts could not be read`);
  });

  it("statements of the corpus in any order are followed", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.constantFrom(...corpus), { minLength: 1, maxLength: 12 }),
      async (scripts) => {
        const migrations = scripts.map((sql, at) => ({ name: String(at), path: String(at), sql }));
        const names = new Set(migrations.map(({ name }) => name));
        const risks = await assessMigrations(migrations, names, { postgresMajor: 15, largeTableBytes: 1e8 });
        assert.equal(risks.length, scripts.length);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});
