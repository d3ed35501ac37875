import { type Case, large, none, shop, small } from "./assessed.js";

/** Rows 1 to 26 of the table of risks, each on both sides of its boundary. */
export const rowsOfTables: Readonly<Record<string, readonly Case[]>> = {
  "1 CREATE TABLE": [
    { name: "a table with a foreign key", sql: `CREATE TABLE "A" ("id" SERIAL PRIMARY KEY, "userId" INTEGER); ALTER TABLE "A" ADD CONSTRAINT "f" FOREIGN KEY ("userId") REFERENCES "User"("id");`, tier: "safe", effects: [] },
    { name: "a new table may be changed at will", sql: `CREATE TABLE "A" ("id" INTEGER); ALTER TABLE "A" ALTER COLUMN "id" TYPE BIGINT, ADD PRIMARY KEY ("id"); UPDATE "A" SET "id" = 1; DROP TABLE "A";`, tier: "safe", effects: [] },
    { name: "IF NOT EXISTS of a table that is there makes no new one", sql: `CREATE TABLE IF NOT EXISTS "User" ("id" INTEGER); ALTER TABLE "User" DROP COLUMN "phone";`, tier: "risky", rule: "drop-column" },
  ],
  "2 ADD COLUMN": [
    { name: "nullable", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER;`, tier: "safe", effects: [] },
    { name: "with a constant", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER NOT NULL DEFAULT 1;`, tier: "safe", effects: [] },
    { name: "with the time of the statement", sql: `ALTER TABLE "User" ADD COLUMN "a" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, ADD COLUMN "b" TIMESTAMPTZ DEFAULT now();`, tier: "safe", effects: [] },
    { name: "with a constant array and enum", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT[] DEFAULT ARRAY[]::TEXT[], ADD COLUMN "s" "Status" NOT NULL DEFAULT 'NEW';`, tier: "safe", effects: [] },
    { name: "with a constant, before 11", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER NOT NULL DEFAULT 1;`, tier: "risky", postgres: 10, facts: { User: large }, effects: ["rewrite", "lock"] },
  ],
  "3 volatile default": [
    { name: "on a table of unknown size", sql: `ALTER TABLE "User" ADD COLUMN "a" UUID NOT NULL DEFAULT gen_random_uuid();`, tier: "safe", effects: ["rewrite", "lock"], rule: "add-column-volatile-default" },
    { name: "on a large table", sql: `ALTER TABLE "User" ADD COLUMN "a" TIMESTAMPTZ DEFAULT clock_timestamp();`, tier: "risky", facts: { User: large }, effects: ["rewrite", "lock"] },
    { name: "on a small table", sql: `ALTER TABLE "User" ADD COLUMN "a" UUID DEFAULT gen_random_uuid();`, tier: "safe", facts: { User: small } },
    { name: "by a function of the history that is immutable", before: [shop, `CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';`], sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER DEFAULT one();`, tier: "safe", effects: [] },
    { name: "by a function that is not known", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT DEFAULT nanoid();`, tier: "risky", effects: ["rewrite", "lock"] },
  ],
  "4 serial, identity, generated": [
    { name: "serial", sql: `ALTER TABLE "User" ADD COLUMN "n" SERIAL NOT NULL;`, tier: "risky", rule: "add-column-generated", effects: ["rewrite", "lock"] },
    { name: "identity", sql: `ALTER TABLE "User" ADD COLUMN "n" INTEGER GENERATED ALWAYS AS IDENTITY;`, tier: "risky", effects: ["rewrite", "lock"] },
    { name: "generated and stored", sql: `ALTER TABLE "Order" ADD COLUMN "n" INTEGER GENERATED ALWAYS AS ("count" * 2) STORED;`, tier: "risky", effects: ["rewrite", "lock"] },
    { name: "generated and virtual", sql: `ALTER TABLE "Order" ADD COLUMN "n" INTEGER GENERATED ALWAYS AS ("count" * 2) VIRTUAL;`, tier: "safe", postgres: 18, effects: [] },
    { name: "on an empty table", sql: `ALTER TABLE "User" ADD COLUMN "n" SERIAL NOT NULL;`, tier: "safe", facts: { User: none } },
  ],
  "5 NOT NULL without default": [
    { name: "on a table", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT NOT NULL;`, tier: "risky", rule: "add-column-not-null", effects: ["fails"] },
    { name: "with a default", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT NOT NULL DEFAULT '';`, tier: "safe" },
    { name: "with DEFAULT NULL", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT NOT NULL DEFAULT NULL;`, tier: "risky", rule: "add-column-not-null" },
    { name: "on an empty table", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT NOT NULL;`, tier: "safe", facts: { User: none } },
  ],
  "6 inline CHECK, REFERENCES and default": [
    { name: "CHECK", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER CHECK ("a" > 0);`, tier: "risky", rule: "add-column-constraint", effects: ["scan", "lock"] },
    { name: "REFERENCES and default", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER DEFAULT 1 REFERENCES "Order"("id");`, tier: "risky", rule: "add-column-constraint" },
    { name: "REFERENCES alone", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER REFERENCES "Order"("id");`, tier: "safe", effects: [] },
  ],
  "7 inline UNIQUE": [
    { name: "on a table", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT UNIQUE;`, tier: "risky", rule: "add-column-unique" },
    { name: "on a new table", sql: `CREATE TABLE "A" (); ALTER TABLE "A" ADD COLUMN "a" TEXT UNIQUE;`, tier: "safe" },
  ],
  "8 domain with a constraint": [
    { name: "with", before: [shop, `CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%');`], sql: `ALTER TABLE "User" ADD COLUMN "a" mail;`, tier: "risky", rule: "add-column-domain", effects: ["rewrite", "lock", "fails"] },
    { name: "without", before: [shop, `CREATE DOMAIN mail AS text;`], sql: `ALTER TABLE "User" ADD COLUMN "a" mail;`, tier: "safe", effects: [] },
    { name: "with one that is added later", before: [shop, `CREATE DOMAIN mail AS text;`, `ALTER DOMAIN mail ADD CONSTRAINT c CHECK (VALUE <> '');`], sql: `ALTER TABLE "User" ADD COLUMN "a" mail;`, tier: "risky" },
  ],
  "9 SET NOT NULL": [
    { name: "on a table", sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`, tier: "risky", rule: "set-not-null", effects: ["scan", "lock", "fails", "breaks"] },
    { name: "of a column that is so already", sql: `ALTER TABLE "User" ALTER COLUMN "email" SET NOT NULL;`, tier: "safe", effects: [] },
    { name: "of a column that is added with a default", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER DEFAULT 1; ALTER TABLE "User" ALTER COLUMN "a" SET NOT NULL;`, tier: "safe", effects: ["scan", "lock"] },
    { name: "of a column that is added without", sql: `ALTER TABLE "User" ADD COLUMN "a" INTEGER; ALTER TABLE "User" ALTER COLUMN "a" SET NOT NULL;`, tier: "risky" },
    { name: "on an empty table", sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`, tier: "safe", facts: { User: none } },
  ],
  "10 SET NOT NULL behind a CHECK": [
    { name: "validated", before: [shop, `ALTER TABLE "User" ADD CONSTRAINT "c" CHECK ("phone" IS NOT NULL) NOT VALID;`, `ALTER TABLE "User" VALIDATE CONSTRAINT "c";`], sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL; ALTER TABLE "User" DROP CONSTRAINT "c";`, tier: "safe", effects: [] },
    { name: "as part of a longer one", before: [shop, `ALTER TABLE "User" ADD CONSTRAINT "c" CHECK ("phone" <> '' AND "phone" IS NOT NULL);`], sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`, tier: "safe" },
    { name: "not validated", before: [shop, `ALTER TABLE "User" ADD CONSTRAINT "c" CHECK ("phone" IS NOT NULL) NOT VALID;`], sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`, tier: "risky", rule: "set-not-null" },
    { name: "of another column", before: [shop, `ALTER TABLE "User" ADD CONSTRAINT "c" CHECK ("name" IS NOT NULL);`], sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`, tier: "risky" },
    { name: "that says OR", before: [shop, `ALTER TABLE "User" ADD CONSTRAINT "c" CHECK ("phone" IS NOT NULL OR "name" IS NOT NULL);`], sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`, tier: "risky" },
    { name: "validated, before 12", before: [shop, `ALTER TABLE "User" ADD CONSTRAINT "c" CHECK ("phone" IS NOT NULL);`], sql: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`, tier: "risky", postgres: 11 },
    { name: "NOT NULL NOT VALID of 18", sql: `ALTER TABLE "User" ADD CONSTRAINT "n" NOT NULL "phone" NOT VALID;`, tier: "safe", postgres: 18 },
    { name: "NOT NULL as a constraint, at once", sql: `ALTER TABLE "User" ADD CONSTRAINT "n" NOT NULL "phone";`, tier: "risky", postgres: 18, rule: "set-not-null" },
  ],
  "11 DROP NOT NULL": [
    { name: "of a column", sql: `ALTER TABLE "User" ALTER COLUMN "email" DROP NOT NULL;`, tier: "safe", effects: [] },
    { name: "and back", before: [shop, `ALTER TABLE "User" ALTER COLUMN "email" DROP NOT NULL;`], sql: `ALTER TABLE "User" ALTER COLUMN "email" SET NOT NULL;`, tier: "risky" },
  ],
  "12 DEFAULT": [
    { name: "set", sql: `ALTER TABLE "User" ALTER COLUMN "name" SET DEFAULT 'x';`, tier: "safe", effects: [] },
    { name: "set to a volatile one", sql: `ALTER TABLE "User" ALTER COLUMN "name" SET DEFAULT gen_random_uuid()::text;`, tier: "safe", effects: [] },
    { name: "dropped", sql: `ALTER TABLE "Order" ALTER COLUMN "status" DROP DEFAULT;`, tier: "safe", effects: [] },
  ],
  "13 ADD CHECK": [
    { name: "valid", sql: `ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("total" >= 0);`, tier: "risky", rule: "add-check", effects: ["scan", "lock", "fails"] },
    { name: "on a new column", sql: `ALTER TABLE "Order" ADD COLUMN "a" INTEGER; ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("a" >= 0);`, tier: "safe" },
    { name: "on a new column of a large table", sql: `ALTER TABLE "Order" ADD COLUMN "a" INTEGER; ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("a" >= 0);`, tier: "risky", facts: { Order: large } },
  ],
  "14 ADD FOREIGN KEY": [
    { name: "valid", sql: `ALTER TABLE "Log" ADD CONSTRAINT "f" FOREIGN KEY ("id") REFERENCES "User"("id");`, tier: "risky", rule: "add-foreign-key", effects: ["scan", "lock", "fails"] },
    { name: "on a new column", sql: `ALTER TABLE "Log" ADD COLUMN "userId" INTEGER; ALTER TABLE "Log" ADD CONSTRAINT "f" FOREIGN KEY ("userId") REFERENCES "User"("id");`, tier: "safe", effects: ["scan", "lock"] },
    { name: "on a new column with a default", sql: `ALTER TABLE "Log" ADD COLUMN "userId" INTEGER DEFAULT 1; ALTER TABLE "Log" ADD CONSTRAINT "f" FOREIGN KEY ("userId") REFERENCES "User"("id");`, tier: "risky" },
    { name: "on a new column that is filled", sql: `ALTER TABLE "Log" ADD COLUMN "userId" INTEGER; UPDATE "Log" SET "userId" = "id" WHERE "id" > 0; ALTER TABLE "Log" ADD CONSTRAINT "f" FOREIGN KEY ("userId") REFERENCES "User"("id");`, tier: "risky", rule: "add-foreign-key" },
  ],
  "15 NOT VALID": [
    { name: "CHECK", sql: `ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("total" >= 0) NOT VALID;`, tier: "safe", effects: [] },
    { name: "FOREIGN KEY", sql: `ALTER TABLE "Log" ADD CONSTRAINT "f" FOREIGN KEY ("id") REFERENCES "User"("id") NOT VALID;`, tier: "safe", effects: [] },
  ],
  "16 VALIDATE": [
    { name: "alone", before: [shop, `ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("total" >= 0) NOT VALID;`], sql: `ALTER TABLE "Order" VALIDATE CONSTRAINT "c";`, tier: "safe", effects: [] },
    { name: "in the transaction of its ADD", sql: `ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("total" >= 0) NOT VALID; ALTER TABLE "Order" VALIDATE CONSTRAINT "c";`, tier: "risky", rule: "validate-constraint" },
    { name: "of an unknown one", before: [], sql: `ALTER TABLE "Order" VALIDATE CONSTRAINT "c";`, tier: "safe" },
  ],
  "17 CREATE INDEX": [
    { name: "on a table of unknown size", sql: `CREATE INDEX "i" ON "Order"("userId");`, tier: "safe", rule: "create-index", effects: ["scan", "lock"] },
    { name: "on a large table", sql: `CREATE INDEX "i" ON "Order"("userId");`, tier: "risky", facts: { Order: large } },
    { name: "on a small table", sql: `CREATE INDEX "i" ON "Order"("userId");`, tier: "safe", facts: { Order: small } },
    { name: "on a new table", sql: `CREATE TABLE "A" ("a" INTEGER); CREATE INDEX "i" ON "A"("a");`, tier: "safe", effects: [] },
  ],
  "18 CONCURRENTLY": [
    { name: "alone", sql: `CREATE INDEX CONCURRENTLY "i" ON "Order"("userId");`, tier: "safe", effects: [] },
    { name: "beside another statement", sql: `CREATE INDEX CONCURRENTLY "i" ON "Order"("userId"); CREATE INDEX CONCURRENTLY "j" ON "Order"("total");`, tier: "risky", rule: "concurrently-in-transaction" },
    { name: "in a file without a transaction", sql: `-- no-transaction\nCREATE INDEX CONCURRENTLY "i" ON "Order"("userId"); CREATE INDEX CONCURRENTLY "j" ON "Order"("total");`, tier: "safe" },
  ],
  "19 UNIQUE": [
    { name: "index, size not known", sql: `CREATE UNIQUE INDEX "i" ON "User"("name");`, tier: "safe", rule: "add-unique", effects: ["scan", "lock", "fails"] },
    { name: "index on a large table", sql: `CREATE UNIQUE INDEX "i" ON "User"("name");`, tier: "risky", facts: { User: large } },
    { name: "constraint on a large table", sql: `ALTER TABLE "User" ADD CONSTRAINT "u" UNIQUE ("name");`, tier: "risky", facts: { User: large } },
    { name: "constraint on a small table", sql: `ALTER TABLE "User" ADD CONSTRAINT "u" UNIQUE ("name");`, tier: "safe", facts: { User: small } },
  ],
  "20 UNIQUE USING INDEX": [
    { name: "costs an instant", before: [shop, `CREATE UNIQUE INDEX CONCURRENTLY "i" ON "User"("name");`], sql: `ALTER TABLE "User" ADD CONSTRAINT "u" UNIQUE USING INDEX "i";`, tier: "safe", facts: { User: large }, effects: [] },
  ],
  "21 ADD PRIMARY KEY": [
    { name: "where there was none", sql: `ALTER TABLE "Log" ADD CONSTRAINT "Log_pkey" PRIMARY KEY ("id");`, tier: "risky", rule: "add-primary-key" },
    { name: "USING INDEX on a nullable column", before: [shop, `CREATE UNIQUE INDEX CONCURRENTLY "i" ON "Log"("id");`], sql: `ALTER TABLE "Log" ADD CONSTRAINT "p" PRIMARY KEY USING INDEX "i";`, tier: "risky" },
    { name: "USING INDEX on a required column", before: [shop, `ALTER TABLE "Log" ALTER COLUMN "id" SET NOT NULL; CREATE UNIQUE INDEX "i" ON "Log"("id");`], sql: `ALTER TABLE "Log" ADD CONSTRAINT "p" PRIMARY KEY USING INDEX "i";`, tier: "safe", effects: [] },
  ],
  "22 change of primary key": [
    { name: "as Prisma writes it", sql: `ALTER TABLE "User" DROP CONSTRAINT "User_pkey", ADD CONSTRAINT "User_pkey" PRIMARY KEY ("id", "email");`, tier: "dangerous", rule: "change-primary-key" },
    { name: "of a table that the history does not show", before: [], sql: `ALTER TABLE "X" DROP CONSTRAINT "X_pkey";`, tier: "dangerous" },
    { name: "by dropping its column", sql: `ALTER TABLE "User" DROP COLUMN "id";`, tier: "dangerous", rule: "change-primary-key" },
    { name: "another constraint", sql: `ALTER TABLE "Order" DROP CONSTRAINT "Order_userId_fkey";`, tier: "risky", rule: "!change-primary-key" },
  ],
  "23 EXCLUDE": [
    { name: "on a table", sql: `ALTER TABLE "User" ADD CONSTRAINT "x" EXCLUDE USING gist ("name" WITH =);`, tier: "risky", rule: "add-exclusion" },
    { name: "on a new one", sql: `CREATE TABLE "A" ("a" int4range, EXCLUDE USING gist ("a" WITH &&));`, tier: "safe" },
  ],
  "24 DROP INDEX": [
    { name: "of an index", sql: `DROP INDEX "User_name_idx";`, tier: "risky", rule: "drop-index" },
    { name: "that another one makes up for", before: [shop, `CREATE INDEX "i" ON "User"("name", "phone");`], sql: `DROP INDEX "User_name_idx";`, tier: "safe", effects: [] },
    { name: "that another one is made for", sql: `DROP INDEX "User_name_idx"; CREATE INDEX "i" ON "User"("name", "phone");`, tier: "safe" },
    { name: "beside one in another order", before: [shop, `CREATE INDEX "i" ON "User"("phone", "name");`], sql: `DROP INDEX "User_name_idx";`, tier: "risky" },
    { name: "beside one with a condition", before: [shop, `CREATE INDEX "i" ON "User"("name") WHERE "phone" IS NULL;`], sql: `DROP INDEX "User_name_idx";`, tier: "risky" },
    { name: "beside one that goes too", before: [shop, `CREATE INDEX "i" ON "User"("name", "phone");`], sql: `DROP INDEX "User_name_idx"; DROP INDEX "i";`, tier: "risky" },
    { name: "beside one whose column goes", before: [shop, `CREATE INDEX "i" ON "User"("name", "phone");`], sql: `DROP INDEX "User_name_idx"; ALTER TABLE "User" DROP COLUMN "phone";`, tier: "risky", rule: "drop-index" },
    { name: "unique beside the primary key", before: [shop, `CREATE UNIQUE INDEX "i" ON "User"("id");`], sql: `DROP INDEX "i";`, tier: "safe", effects: [] },
    { name: "unique beside one that is not", before: [shop, `CREATE INDEX "i" ON "User"("email");`], sql: `DROP INDEX "User_email_key";`, tier: "risky" },
    { name: "unique beside a unique one over more columns", before: [shop, `CREATE UNIQUE INDEX "i" ON "User"("email", "name");`], sql: `DROP INDEX "User_email_key";`, tier: "risky" },
    { name: "CONCURRENTLY", sql: `DROP INDEX CONCURRENTLY "User_name_idx";`, tier: "safe" },
    { name: "CONCURRENTLY of a unique one", sql: `DROP INDEX CONCURRENTLY "User_email_key";`, tier: "risky", effects: ["breaks"] },
    { name: "of one that is not there", sql: `DROP INDEX IF EXISTS "nothing";`, tier: "safe" },
    { name: "of a new one", sql: `CREATE INDEX "i" ON "User"("phone"); DROP INDEX "i";`, tier: "safe" },
  ],
  "25 DROP CONSTRAINT": [
    { name: "a foreign key", sql: `ALTER TABLE "Order" DROP CONSTRAINT "Order_userId_fkey";`, tier: "risky", rule: "drop-constraint", effects: ["lock", "breaks"] },
    { name: "a new one", sql: `ALTER TABLE "Order" ADD CONSTRAINT "c" CHECK ("total" > 0) NOT VALID; ALTER TABLE "Order" DROP CONSTRAINT "c";`, tier: "safe" },
    { name: "one that is not there", sql: `ALTER TABLE "Order" DROP CONSTRAINT IF EXISTS "nothing";`, tier: "safe" },
  ],
  "26 REINDEX": [
    { name: "of a table", sql: `REINDEX TABLE "Order";`, tier: "risky", rule: "reindex" },
    { name: "CONCURRENTLY", sql: `REINDEX TABLE CONCURRENTLY "Order";`, tier: "safe" },
  ],
}; // prettier-ignore
