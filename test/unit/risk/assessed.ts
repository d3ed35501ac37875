import assert from "node:assert/strict";
import { assessMigrations } from "../../../pipeline/risk/assess.js";
import type { Effect, FileRisk, RiskOptions, TableFacts, Tier } from "../../../pipeline/risk/types.js";

/** What most cases start from. */
export const shop = `
  CREATE TABLE "User" ("id" INTEGER NOT NULL, "email" VARCHAR(100) NOT NULL, "name" TEXT, "phone" TEXT, "born" TIMESTAMP(6),
    CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
  CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
  CREATE INDEX "User_name_idx" ON "User"("name");
  CREATE TYPE "Status" AS ENUM ('NEW', 'PAID', 'SENT');
  CREATE TABLE "Order" ("id" SERIAL NOT NULL, "userId" INTEGER NOT NULL, "total" DECIMAL(10,2) NOT NULL, "status" "Status" NOT NULL DEFAULT 'NEW',
    "weight" DOUBLE PRECISION, "count" INTEGER, "code" CHAR(5), "at" TIMESTAMPTZ(6),
    CONSTRAINT "Order_pkey" PRIMARY KEY ("id"));
  ALTER TABLE "Order" ADD CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id");
  CREATE TABLE "Log" ("id" INTEGER, "text" TEXT);`;

export interface Case {
  readonly name: string;
  /** Migrations before it; default: {@link shop}. */
  readonly before?: readonly string[];
  /** Migrations between those and `sql` that the database does not have yet. */
  readonly pending?: readonly string[];
  readonly sql: string;
  readonly tier: Tier;
  /** The rule that must find it, or must not (`!rule`). */
  readonly rule?: string;
  readonly effects?: readonly Effect[];
  readonly postgres?: number;
  /** Bytes and rows of a table of the schema `public`. */
  readonly facts?: Readonly<Record<string, TableFacts>>;
}

export const options: RiskOptions = { postgresMajor: 15, largeTableBytes: 100e6 };
export const large: TableFacts = { rows: 5e6, bytes: 2e9 };
export const small: TableFacts = { rows: 10, bytes: 8192 };
export const none: TableFacts = { rows: 0, bytes: 0 };

export async function assessed(
  test: Pick<Case, "before" | "pending" | "sql" | "postgres" | "facts">,
): Promise<FileRisk> {
  const { before = [shop], pending = [] } = test;
  const history = [...before, ...pending, test.sql];
  const migrations = history.map((sql, at) => ({ name: String(at), path: `${at}/migration.sql`, sql }));
  const facts = new Map(Object.entries(test.facts ?? {}).map(([table, fact]) => [`public.${table}`, fact]));
  const names = new Set(migrations.slice(before.length).map(({ name }) => name));
  const risks = await assessMigrations(migrations, names, {
    ...options,
    ...(test.postgres === undefined ? {} : { postgresMajor: test.postgres }),
    ...(test.facts === undefined ? {} : { facts }),
  });
  const risk = risks.at(-1);
  assert.ok(risk);
  return risk;
}

export async function check(test: Case): Promise<void> {
  const risk = await assessed(test);
  const told = JSON.stringify(risk.findings, null, 1);
  assert.equal(risk.tier, test.tier, told);
  if (test.rule?.startsWith("!") === true) {
    assert.ok(!risk.findings.some(({ rule }) => `!${rule}` === test.rule), told);
  } else if (test.rule !== undefined) {
    assert.ok(
      risk.findings.some(({ rule }) => rule === test.rule),
      `${test.rule} found nothing: ${told}`,
    );
  }
  if (test.effects !== undefined) assert.deepEqual([...risk.effects].sort(), [...test.effects].sort(), told);
}
