import assert from "node:assert/strict";
import fc from "fast-check";
import { assessMigrations } from "../../../pipeline/risk/assess.js";
import { rules } from "../../../pipeline/risk/rules/index.js";
import { type FileRisk, type RiskOptions, defaultLargeTableBytes } from "../../../pipeline/risk/types.js";

const options: RiskOptions = { postgresMajor: 15, largeTableBytes: defaultLargeTableBytes };

/** A shop with data, as a first migration made it. */
const before = `
CREATE TYPE "Status" AS ENUM ('NEW', 'PAID');
CREATE TABLE "User" (id SERIAL PRIMARY KEY, email VARCHAR(100) NOT NULL, phone TEXT, age INTEGER, price NUMERIC(10,2), at TIMESTAMP(3));
CREATE TABLE "Order" (id SERIAL PRIMARY KEY, "userId" INTEGER, status "Status" NOT NULL DEFAULT 'NEW');
CREATE INDEX "Order_userId_idx" ON "Order" ("userId");
ALTER TABLE "Order" ADD CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" (id);
`;

async function assess(sql: string, more: Partial<RiskOptions> = {}): Promise<FileRisk> {
  const history = [
    { name: "1_init", path: "1_init/migration.sql", sql: before },
    { name: "2_change", path: "2_change/migration.sql", sql },
  ];
  const [risk] = await assessMigrations(history, new Set(["2_change"]), { ...options, ...more });
  assert.ok(risk);
  return risk;
}

describe("risk: the tiers of RISKS.md", () => {
  const rows: [row: string, sql: string, tier: FileRisk["tier"]][] = [
    ["1", `CREATE TABLE "Tag" (id SERIAL PRIMARY KEY)`, "safe"],
    ["2", `ALTER TABLE "User" ADD COLUMN note TEXT`, "safe"],
    ["2", `ALTER TABLE "User" ADD COLUMN active BOOLEAN NOT NULL DEFAULT true`, "safe"],
    ["4", `ALTER TABLE "User" ADD COLUMN n SERIAL`, "risky"],
    ["5", `ALTER TABLE "User" ADD COLUMN note TEXT NOT NULL`, "risky"],
    ["9", `ALTER TABLE "User" ALTER COLUMN phone SET NOT NULL`, "risky"],
    ["11", `ALTER TABLE "User" ALTER COLUMN email DROP NOT NULL`, "safe"],
    ["13", `ALTER TABLE "User" ADD CONSTRAINT c CHECK (age > 0)`, "risky"],
    ["15", `ALTER TABLE "User" ADD CONSTRAINT c CHECK (age > 0) NOT VALID`, "safe"],
    ["18", `CREATE INDEX CONCURRENTLY i ON "User" (phone)`, "safe"],
    ["22", `ALTER TABLE "User" DROP CONSTRAINT "User_pkey", ADD PRIMARY KEY (email)`, "dangerous"],
    ["27", `ALTER TABLE "User" ALTER COLUMN email TYPE VARCHAR(200)`, "safe"],
    ["28", `ALTER TABLE "User" ALTER COLUMN age TYPE BIGINT`, "risky"],
    ["29", `ALTER TABLE "User" ALTER COLUMN price TYPE NUMERIC(10,1)`, "dangerous"],
    ["33", `DROP TABLE "Order"`, "dangerous"],
    ["34", `TRUNCATE "Order"`, "dangerous"],
    ["35", `DELETE FROM "Order"`, "dangerous"],
    ["36", `UPDATE "Order" SET status = 'PAID' WHERE id < 10`, "risky"],
    ["37", `ALTER TABLE "User" RENAME COLUMN phone TO mobile`, "risky"],
    ["38", `ALTER TYPE "Status" ADD VALUE 'SENT'`, "safe"],
    ["41", `ALTER TABLE "User" SET UNLOGGED`, "dangerous"],
    ["47", `DO $$ BEGIN EXECUTE 'DROP TABLE "User"'; END $$`, "dangerous"],
    ["47", `this is no SQL`, "dangerous"],
  ];
  for (const [row, sql, tier] of rows)
    it(`row ${row}: ${sql} is ${tier}`, async () => {
      const risk = await assess(sql);
      assert.equal(risk.tier, tier, JSON.stringify(risk.findings));
    });

  it("row 32: dropping a column is at least risky, and is a drop", async () => {
    const risk = await assess(`ALTER TABLE "User" DROP COLUMN phone`);
    assert.notEqual(risk.tier, "safe");
    assert.ok(risk.effects.includes("drop"));
  });

  it("what the same migration made is no risk", async () => {
    const sql = `CREATE TABLE "Tag" (id INT, name TEXT); ALTER TABLE "Tag" ALTER COLUMN name SET NOT NULL; DROP TABLE "Tag"`;
    assert.equal((await assess(sql)).tier, "safe");
  });

  it("an index blocks writers of a large table, and of no small one", async () => {
    const sql = `CREATE INDEX i ON "User" (phone)`;
    const facts = (bytes: number) => ({ facts: new Map([["public.User", { rows: 1_000, bytes }]]) });
    assert.equal((await assess(sql, facts(1_000))).tier, "safe");
    assert.equal((await assess(sql, facts(10 * defaultLargeTableBytes))).tier, "risky");
  });

  it("names the line", async () => {
    assert.equal((await assess(`SELECT 1;\n\nDROP TABLE "Order";`)).findings[0]?.line, 3);
  });
});

/** What some examples need to have been there, since they are judged by it. */
const thereBefore: Readonly<Record<string, string>> = {
  "change-type-loses": `CREATE TABLE "Order" (id INT, total NUMERIC(10,2))`,
  "column-under-view": `CREATE TABLE "User" (id INT, email VARCHAR(100))`,
  "relation-restructured": `CREATE TABLE "User" (id INT PRIMARY KEY);
    CREATE TABLE "Post" (id INT PRIMARY KEY, "authorId" INT REFERENCES "User" (id))`,
};

describe("risk: each rule", () => {
  for (const rule of rules)
    it(`${rule.id} finds its own example`, async () => {
      const history = [
        { name: "before", path: "before", sql: thereBefore[rule.id] ?? "" },
        { name: "x", path: "x", sql: rule.example },
      ];
      const open = { ...options, wholeHistory: false, postgresMajor: 18 };
      const [risk] = await assessMigrations(history, new Set(["x"]), open);
      assert.ok(
        risk?.findings.some((finding) => finding.rule === rule.id),
        JSON.stringify(risk),
      );
    });
});

describe("risk: SQL that nobody can read", () => {
  it("is never called safe, and never a crash", async () => {
    const sql = fc.string({
      unit: fc.constantFrom("(", "'", "$$", ";", "DROP", " ", "TABLE", '"', "--", "SELECT", "x"),
    });
    await fc.assert(
      fc.asyncProperty(sql, async (text) => {
        const risk = await assess(`DROP TABLE ("Order" ${text}`);
        assert.notEqual(risk.tier, "safe");
      }),
      { numRuns: 200 },
    );
  });
});
