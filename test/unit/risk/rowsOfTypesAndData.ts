import { type Case, large, none, shop, small } from "./assessed.js";

const order = (change: string) => `ALTER TABLE "Order" ALTER COLUMN ${change};`;
const user = (change: string) => `ALTER TABLE "User" ALTER COLUMN ${change};`;
const view = `CREATE VIEW "emails" AS SELECT u."email" FROM "User" u;`;

/** Rows 27 to 48 of the table of risks, each on both sides of its boundary. */
export const rowsOfTypesAndData: Readonly<Record<string, readonly Case[]>> = {
  "27 wider types": [
    { name: "longer varchar", sql: user(`"email" SET DATA TYPE VARCHAR(200)`), tier: "safe", effects: [] },
    { name: "varchar to text", sql: user(`"email" SET DATA TYPE TEXT`), tier: "safe", effects: [] },
    { name: "more digits, same decimals", sql: order(`"total" SET DATA TYPE DECIMAL(12,2)`), tier: "safe", effects: [] },
    { name: "timestamp to timestamptz in UTC", sql: `SET TIME ZONE 'UTC'; ${user(`"born" SET DATA TYPE TIMESTAMPTZ(6)`)}`, tier: "safe", effects: [] },
    { name: "text to text", sql: user(`"name" SET DATA TYPE TEXT USING "name"::TEXT`), tier: "safe", effects: [] },
  ],
  "28 types that rewrite": [
    { name: "int to bigint", sql: order(`"count" SET DATA TYPE BIGINT`), tier: "risky", rule: "change-type", effects: ["rewrite", "lock", "breaks"] },
    { name: "timestamp to timestamptz, zone not known", sql: user(`"born" SET DATA TYPE TIMESTAMPTZ(6)`), tier: "risky", effects: ["rewrite", "lock", "breaks"] },
    { name: "timestamp to timestamptz outside UTC", sql: `SET TIME ZONE 'Europe/Madrid'; ${user(`"born" SET DATA TYPE TIMESTAMPTZ(6)`)}`, tier: "risky" },
    { name: "wider char", sql: order(`"code" SET DATA TYPE CHAR(8)`), tier: "risky", effects: ["rewrite", "lock", "breaks"] },
    { name: "text to varchar", sql: user(`"name" SET DATA TYPE VARCHAR(50)`), tier: "risky", effects: ["rewrite", "lock", "fails", "breaks"] },
    { name: "shorter varchar without USING", sql: user(`"email" SET DATA TYPE VARCHAR(50)`), tier: "risky" },
    { name: "enum to text", sql: order(`"status" SET DATA TYPE TEXT`), tier: "risky", rule: "change-type" },
    { name: "more decimals", sql: order(`"total" SET DATA TYPE DECIMAL(12,4)`), tier: "risky", effects: ["rewrite", "lock", "breaks"] },
    { name: "an old type that is not known", before: [], sql: user(`"name" SET DATA TYPE TEXT`), tier: "risky", effects: ["rewrite", "lock", "fails", "breaks"] },
  ],
  "29 casts that lose": [
    { name: "fewer decimals", sql: order(`"total" SET DATA TYPE DECIMAL(10,0)`), tier: "dangerous", rule: "change-type-loses" },
    { name: "fewer decimals of a second", sql: user(`"born" SET DATA TYPE TIMESTAMP(3)`), tier: "dangerous", effects: ["rewrite", "lock", "loss", "breaks", "irreversible"] },
    { name: "float to int", sql: order(`"weight" SET DATA TYPE INTEGER`), tier: "dangerous" },
    { name: "timestamptz to date", sql: order(`"at" SET DATA TYPE DATE`), tier: "dangerous" },
    { name: "shorter varchar USING", sql: user(`"email" SET DATA TYPE VARCHAR(5) USING "email"::VARCHAR(5)`), tier: "dangerous" },
    { name: "another value USING", sql: order(`"count" SET DATA TYPE INTEGER USING 0`), tier: "dangerous" },
    { name: "on an empty table", sql: order(`"weight" SET DATA TYPE INTEGER`), facts: { Order: none }, tier: "risky" },
    { name: "of a new column", sql: `ALTER TABLE "User" ADD COLUMN "a" DOUBLE PRECISION; ${user(`"a" TYPE INTEGER`)}`, tier: "safe", effects: ["rewrite", "lock"] },
  ],
  "30 collation": [
    { name: "of an indexed column", sql: user(`"name" TYPE TEXT COLLATE "C"`), tier: "risky", rule: "change-collation", effects: ["scan", "lock"] },
    { name: "of another", sql: user(`"phone" TYPE TEXT COLLATE "C"`), tier: "safe", effects: [] },
  ],
  "31 type under a view": [
    { name: "that the view reads", before: [shop, view], sql: user(`"email" SET DATA TYPE TEXT`), tier: "risky", rule: "column-under-view", effects: ["fails"] },
    { name: "that it does not", before: [shop, view], sql: `ALTER TABLE "User" ADD COLUMN "z" TEXT; ${order(`"total" SET DATA TYPE DECIMAL(12,2)`)}`, tier: "safe" },
    { name: "once the view is gone", before: [shop, view], sql: `DROP VIEW "emails"; ${user(`"email" SET DATA TYPE TEXT`)} ${view}`, tier: "safe" },
  ],
  "32 DROP COLUMN": [
    { name: "of unknown content", sql: `ALTER TABLE "User" DROP COLUMN "phone";`, tier: "risky", rule: "drop-column", effects: ["drop", "loss", "lock", "breaks", "irreversible"] },
    { name: "that holds values", sql: `ALTER TABLE "User" DROP COLUMN "email";`, tier: "dangerous", facts: { User: small } },
    { name: "of an empty table", sql: `ALTER TABLE "User" DROP COLUMN "email";`, tier: "risky", facts: { User: none } },
    { name: "that is new", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT; ALTER TABLE "User" DROP COLUMN "a";`, tier: "safe", effects: [] },
    { name: "that is not there", sql: `ALTER TABLE "User" DROP COLUMN IF EXISTS "nothing";`, tier: "safe", effects: [] },
  ],
  "33 DROP": [
    { name: "TABLE", sql: `DROP TABLE "Log";`, tier: "dangerous", rule: "drop-table", effects: ["drop", "loss", "breaks", "irreversible"] },
    { name: "TABLE with rows", sql: `DROP TABLE "Log";`, tier: "dangerous", facts: { Log: small } },
    { name: "TABLE known to be empty", sql: `DROP TABLE "Log";`, tier: "risky", facts: { Log: none } },
    { name: "TABLE that is not there", sql: `DROP TABLE IF EXISTS "Nothing";`, tier: "safe", effects: [] },
    { name: "TABLE under its new name", before: [shop, `ALTER TABLE "Log" RENAME TO "Logs";`], sql: `DROP TABLE "Logs";`, tier: "dangerous" },
    { name: "SCHEMA", sql: `DROP SCHEMA "public" CASCADE;`, tier: "dangerous", rule: "drop-schema" },
    { name: "DATABASE", sql: `DROP DATABASE "shop";`, tier: "dangerous", rule: "drop-schema" },
    { name: "TYPE CASCADE", sql: `DROP TYPE "Status" CASCADE;`, tier: "dangerous", rule: "drop-cascade" },
    { name: "TYPE that nothing has", before: [shop, `CREATE TYPE "T" AS ENUM ('a');`], sql: `DROP TYPE "T";`, tier: "safe", effects: [] },
  ],
  "34 TRUNCATE": [
    { name: "of a table", sql: `TRUNCATE "Log";`, tier: "dangerous", rule: "truncate" },
    { name: "of a new one", sql: `CREATE TABLE "A" (); TRUNCATE "A";`, tier: "safe" },
  ],
  "35 all rows": [
    { name: "UPDATE", sql: `UPDATE "User" SET "name" = 'x';`, tier: "dangerous", rule: "write-all-rows" },
    { name: "DELETE", sql: `DELETE FROM "User";`, tier: "dangerous" },
    { name: "WHERE true", sql: `DELETE FROM "User" WHERE true;`, tier: "dangerous" },
    { name: "WHERE 1 = 1", sql: `UPDATE "User" SET "name" = 'x' WHERE 1 = 1;`, tier: "dangerous" },
    { name: "WHERE with OR, NOT and the same column", sql: `DELETE FROM "Log" WHERE "id" = 3 OR NOT false; DELETE FROM "Log" WHERE 'a' = 'a' AND "Log"."id" = "Log"."id"; DELETE FROM "Log" WHERE 't'::bool;`, tier: "dangerous", rule: "!backfill" },
    { name: "MERGE of every row", sql: `MERGE INTO "Log" l USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE;`, tier: "dangerous", rule: "write-all-rows" },
    { name: "in a WITH", sql: `WITH gone AS (DELETE FROM "Log" RETURNING *) SELECT * FROM gone;`, tier: "dangerous" },
    { name: "of a new column", sql: `ALTER TABLE "User" ADD COLUMN "a" TEXT; UPDATE "User" SET "a" = "name";`, tier: "risky", rule: "backfill" },
    { name: "of a new table", sql: `CREATE TABLE "A" ("a" INTEGER); UPDATE "A" SET "a" = 1;`, tier: "safe" },
  ],
  "36 backfill": [
    { name: "UPDATE", sql: `UPDATE "User" SET "name" = 'x' WHERE "name" IS NULL;`, tier: "risky", rule: "backfill" },
    { name: "DELETE", sql: `DELETE FROM "Log" WHERE "id" < 10;`, tier: "risky", rule: "backfill" },
    { name: "INSERT", sql: `INSERT INTO "Log" ("id") SELECT "id" FROM "User";`, tier: "safe" },
    { name: "INSERT that updates", sql: `INSERT INTO "User" ("id", "email") VALUES (1, 'a') ON CONFLICT ("id") DO UPDATE SET "email" = 'a';`, tier: "risky" },
  ],
  "37 RENAME": [
    { name: "column", sql: `ALTER TABLE "User" RENAME COLUMN "name" TO "fullName";`, tier: "risky", rule: "rename", effects: ["breaks"] },
    { name: "table", sql: `ALTER TABLE "User" RENAME TO "Person";`, tier: "risky", rule: "rename" },
    { name: "schema", sql: `ALTER SCHEMA "public" RENAME TO "old";`, tier: "risky", rule: "rename" },
    { name: "to another schema", sql: `ALTER TABLE "User" SET SCHEMA "old";`, tier: "risky", rule: "rename" },
    { name: "index", sql: `ALTER INDEX "User_name_idx" RENAME TO "i";`, tier: "safe", effects: [] },
    { name: "constraint", sql: `ALTER TABLE "Order" RENAME CONSTRAINT "Order_userId_fkey" TO "f";`, tier: "safe", effects: [] },
    { name: "a new table", sql: `CREATE TABLE "A" (); ALTER TABLE "A" RENAME TO "B";`, tier: "safe" },
  ],
  "38 enum ADD VALUE": [
    { name: "alone", sql: `ALTER TYPE "Status" ADD VALUE 'LOST';`, tier: "safe", effects: [] },
    { name: "used in the same file", sql: `ALTER TYPE "Status" ADD VALUE 'LOST'; ALTER TABLE "Order" ALTER COLUMN "status" SET DEFAULT 'LOST';`, tier: "risky", rule: "enum-value-used" },
    { name: "used in the next", before: [shop, `ALTER TYPE "Status" ADD VALUE 'LOST';`], sql: `ALTER TABLE "Order" ALTER COLUMN "status" SET DEFAULT 'LOST';`, tier: "safe" },
  ],
  "39 enum RENAME VALUE": [
    { name: "of an enum", sql: `ALTER TYPE "Status" RENAME VALUE 'NEW' TO 'OPEN';`, tier: "risky", rule: "rename-enum-value" },
    { name: "of a new one", sql: `CREATE TYPE "T" AS ENUM ('a'); ALTER TYPE "T" RENAME VALUE 'a' TO 'b';`, tier: "safe" },
  ],
  "40 enum value removed": [
    { name: "by Prisma's swap", sql: swap(["NEW", "PAID"]), tier: "dangerous", rule: "enum-value-removed", effects: ["rewrite", "lock", "fails", "breaks", "irreversible"] },
    { name: "with BEGIN and COMMIT", sql: `BEGIN; ${swap(["NEW", "PAID"])} COMMIT;`, tier: "dangerous", rule: "enum-value-removed" },
    { name: "of an enum that the history does not show", before: [], sql: swap(["NEW"]), tier: "dangerous" },
    { name: "a swap that only adds", sql: swap(["NEW", "PAID", "SENT", "LOST"]), tier: "risky", rule: "!enum-value-removed", effects: ["rewrite", "lock", "breaks"] },
  ],
  "41 SET UNLOGGED": [
    { name: "of a table", sql: `ALTER TABLE "Log" SET UNLOGGED;`, tier: "dangerous", rule: "set-unlogged", effects: ["rewrite", "lock", "loss"] },
    { name: "of one that is so", before: [`CREATE UNLOGGED TABLE "L" ();`], sql: `ALTER TABLE "L" SET UNLOGGED;`, tier: "safe" },
  ],
  "42 tables written anew": [
    { name: "CLUSTER", sql: `CLUSTER "Order" USING "Order_pkey";`, tier: "risky", rule: "rewrite-table" },
    { name: "VACUUM FULL", sql: `VACUUM FULL "Order";`, tier: "risky", rule: "rewrite-table" },
    { name: "access method", sql: `ALTER TABLE "Order" SET ACCESS METHOD heap;`, tier: "risky" },
    { name: "VACUUM", sql: `VACUUM "Order";`, tier: "safe" },
    { name: "ANALYZE", sql: `ANALYZE "Order";`, tier: "safe" },
  ],
  "43 triggers": [
    { name: "created", sql: `CREATE TRIGGER t BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION f();`, tier: "risky", rule: "trigger" },
    { name: "disabled", sql: `ALTER TABLE "User" DISABLE TRIGGER ALL;`, tier: "risky", rule: "trigger" },
    { name: "dropped", sql: `DROP TRIGGER t ON "User";`, tier: "risky", rule: "trigger" },
    { name: "on a new table", sql: `CREATE TABLE "A" (); CREATE TRIGGER t BEFORE UPDATE ON "A" FOR EACH ROW EXECUTE FUNCTION f();`, tier: "safe" },
    { name: "its function alone", sql: `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM "User"; RETURN NEW; END $$;`, tier: "safe" },
  ],
  "44 partitions": [
    { name: "attached", sql: `ALTER TABLE "Parent" ATTACH PARTITION "Log" FOR VALUES IN (1);`, tier: "risky", rule: "partition" },
    { name: "detached", sql: `ALTER TABLE "Parent" DETACH PARTITION "Log";`, tier: "risky", rule: "partition" },
    { name: "a new one attached", sql: `CREATE TABLE "A" (); ALTER TABLE "Parent" ATTACH PARTITION "A" FOR VALUES IN (1);`, tier: "safe" },
  ],
  "45 materialized view": [
    { name: "refreshed", sql: `REFRESH MATERIALIZED VIEW "m";`, tier: "risky", rule: "refresh-materialized-view" },
    { name: "CONCURRENTLY", sql: `REFRESH MATERIALIZED VIEW CONCURRENTLY "m";`, tier: "safe" },
  ],
  "46 who may see what": [
    { name: "row security", sql: `ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;`, tier: "risky", rule: "row-security" },
    { name: "policy", sql: `CREATE POLICY p ON "User" USING (true);`, tier: "risky", rule: "row-security" },
    { name: "REVOKE", sql: `REVOKE SELECT ON "User" FROM PUBLIC;`, tier: "risky", rule: "row-security" },
    { name: "replica identity", sql: `ALTER TABLE "User" REPLICA IDENTITY FULL;`, tier: "risky", rule: "row-security" },
    { name: "another owner", sql: `ALTER TABLE "User" OWNER TO other;`, tier: "risky", rule: "row-security" },
    { name: "a publication that goes", sql: `DROP PUBLICATION p;`, tier: "risky", rule: "drop-object" },
    { name: "GRANT", sql: `GRANT SELECT ON "User" TO PUBLIC;`, tier: "safe" },
    { name: "on a new table", sql: `CREATE TABLE "A" (); ALTER TABLE "A" ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON "A" USING (true);`, tier: "safe" },
  ],
  "47 opaque": [
    { name: "DO", sql: `DO $$ BEGIN NULL; END $$;`, tier: "dangerous", rule: "opaque", effects: ["opaque"] },
    { name: "DO that drops", sql: `DO $$ BEGIN IF true THEN ALTER TABLE "User" DROP COLUMN "phone"; END IF; END $$;`, tier: "dangerous", rule: "opaque", effects: ["opaque", "drop", "loss", "lock", "breaks", "irreversible"] },
    { name: "EXECUTE of a literal", sql: `DO $$ BEGIN EXECUTE 'DROP TABLE "Log"'; END $$;`, tier: "dangerous", effects: ["opaque", "drop", "loss", "breaks", "irreversible"] },
    { name: "EXECUTE that is put together", sql: `DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'Log'); END $$;`, tier: "dangerous", effects: ["opaque", "drop"] },
    { name: "CALL", sql: `CALL p();`, tier: "dangerous", rule: "opaque" },
    { name: "SELECT of an unknown function", sql: `SELECT cleanup();`, tier: "dangerous", rule: "opaque" },
    { name: "a function of the history", before: [`CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';`], sql: `SELECT g();`, tier: "dangerous" },
    { name: "one declared STABLE", before: [`CREATE FUNCTION g() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';`], sql: `SELECT g();`, tier: "safe" },
    { name: "PostgreSQL's own", sql: `SELECT setval('"Order_id_seq"', coalesce(max("id"), 1)) FROM "Order";`, tier: "safe" },
    { name: "what cannot be parsed", sql: `ALTER TABLEAU "User" ADD;`, tier: "dangerous", rule: "opaque" },
    { name: "what cannot be parsed beside what can", sql: `ALTER TABLE "User" DROP COLUMN "phone"; SELEC 1;`, tier: "dangerous", rule: "drop-column" },
    { name: "a write to the catalog", sql: `UPDATE pg_attribute SET attnotnull = false WHERE attrelid = '"User"'::regclass;`, tier: "dangerous", rule: "opaque" },
    { name: "triggers off by a function", sql: `SELECT set_config('session_replication_role', 'replica', true);`, tier: "dangerous", rule: "opaque" },
    { name: "triggers off", sql: `SET session_replication_role = replica;`, tier: "dangerous" },
    { name: "roles and settings of the whole server", sql: `ALTER ROLE app SUPERUSER; ALTER DATABASE d SET search_path = x;`, tier: "dangerous", rule: "opaque" },
    { name: "a file of the server", sql: `COPY "User" TO '/var/lib/postgresql/x';`, tier: "dangerous", rule: "opaque" },
    { name: "rows for the client", sql: `COPY "User" TO STDOUT;`, tier: "safe" },
    { name: "a byte order mark", sql: `\ufeffALTER TABLE "User" ADD COLUMN "a" TEXT;`, tier: "dangerous", rule: "opaque" },
    { name: "what is not UTF-8", sql: `CREATE TABLE "caf\ufffd" ("id" INTEGER);`, tier: "dangerous", rule: "opaque" },
    { name: "nothing", sql: `-- This is an empty migration.`, tier: "safe" },
  ],
  "48 transaction control": [
    { name: "BEGIN and COMMIT", sql: `BEGIN; ALTER TABLE "User" ADD COLUMN "a" TEXT; COMMIT;`, tier: "risky", rule: "transaction-control" },
    { name: "a savepoint", sql: `SAVEPOINT a; ALTER TABLE "User" ADD COLUMN "a" TEXT; RELEASE SAVEPOINT a;`, tier: "safe" },
  ],
  "sequences": [
    { name: "RESTART", sql: `ALTER SEQUENCE "Order_id_seq" RESTART;`, tier: "risky", rule: "restart-sequence", effects: ["fails"] },
    { name: "setval to a fixed number", sql: `SELECT setval('"Order_id_seq"', 1);`, tier: "risky", rule: "restart-sequence" },
    { name: "a smaller type", sql: `ALTER SEQUENCE "Order_id_seq" AS smallint;`, tier: "risky" },
    { name: "as wide as a bigint", sql: `ALTER SEQUENCE "Order_id_seq" AS bigint MAXVALUE 9223372036854775807;`, tier: "safe" },
    { name: "whose it is", sql: `ALTER SEQUENCE "Order_id_seq" OWNED BY "Order"."id";`, tier: "safe" },
  ],
  "sizes": [
    { name: "a table that a pending migration makes", pending: [`CREATE TABLE "Copy" ("id" INTEGER);`], sql: `DELETE FROM "Copy";`, tier: "safe", facts: { User: small } },
    { name: "a table that a pending migration fills from a query", pending: [`CREATE TABLE "Copy" AS SELECT * FROM "User";`], sql: `DELETE FROM "Copy";`, tier: "dangerous", facts: { User: small } },
    { name: "a table that a pending migration fills", pending: [`CREATE TABLE "Copy" ("id" INTEGER); INSERT INTO "Copy" SELECT "id" FROM "User";`], sql: `ALTER TABLE "Copy" ALTER COLUMN "id" SET NOT NULL;`, tier: "risky", facts: { User: small } },
    { name: "a table that a pending migration may have filled", pending: [`CREATE TABLE "Copy" ("id" INTEGER); DO $$ BEGIN EXECUTE 'INSERT INTO ' || 'x'; END $$;`], sql: `DROP TABLE "Copy";`, tier: "dangerous", facts: { User: small } },
    { name: "a foreign key on a new column of a large table", sql: `ALTER TABLE "Log" ADD COLUMN "userId" INTEGER; ALTER TABLE "Log" ADD CONSTRAINT "f" FOREIGN KEY ("userId") REFERENCES "User"("id");`, tier: "risky", facts: { Log: large } },
  ],
}; // prettier-ignore

/** As Prisma writes it (`render_alter_enum` of its schema engine). */
function swap(values: readonly string[]): string {
  return `
    CREATE TYPE "Status_new" AS ENUM (${values.map((value) => `'${value}'`).join(", ")});
    ALTER TABLE "Order" ALTER COLUMN "status" DROP DEFAULT;
    ALTER TABLE "Order" ALTER COLUMN "status" TYPE "Status_new" USING ("status"::text::"Status_new");
    ALTER TYPE "Status" RENAME TO "Status_old";
    ALTER TYPE "Status_new" RENAME TO "Status";
    DROP TYPE "Status_old";
    ALTER TABLE "Order" ALTER COLUMN "status" SET DEFAULT 'NEW';`;
}
