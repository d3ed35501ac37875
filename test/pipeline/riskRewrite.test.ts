import assert from "node:assert/strict";
import type pg from "pg";
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { withClient } from "../../pipeline/postgres/connection.js";
import { allTables, toMigrationList, withEngine } from "../../pipeline/prisma/engine.js";
import { loadParser, planScript } from "../../pipeline/prisma/plan.js";
import { checksumOf, type MigrationsFolder } from "../../pipeline/prisma/migrations.js";
import { assessMigrations } from "../../pipeline/risk/assess.js";
import { type Series, planSeries } from "../../pipeline/risk/rewrite/plan.js";
import { tiers } from "../../pipeline/risk/types.js";
import { rewriteIn } from "../../tools/commands/riskRewrite.js";
import { testCluster } from "../support/postgres.js";

const init = `
CREATE TYPE "Role" AS ENUM ('A', 'B', 'GONE');
CREATE FUNCTION "five"() RETURNS INTEGER VOLATILE LANGUAGE sql AS 'SELECT 5';
CREATE TABLE "user" ("id" INTEGER NOT NULL, "email" TEXT NOT NULL, "name" VARCHAR(50), "phone" TEXT NOT NULL, "age" INTEGER, "code" INTEGER NOT NULL, "role" "Role" NOT NULL DEFAULT 'A', "second" "Role", CONSTRAINT "user_pkey" PRIMARY KEY ("id"));
CREATE TABLE "post" ("id" INTEGER NOT NULL, "userId" INTEGER, "title" TEXT, "score" INTEGER, CONSTRAINT "post_pkey" PRIMARY KEY ("id"));
CREATE INDEX "user_role_idx" ON "user"("role");
CREATE INDEX "user_phone_idx" ON "user"("phone");
CREATE UNIQUE INDEX "user_name_phone_key" ON "user"("name", "phone");
CREATE INDEX "post_score_idx" ON "post"("score", "title");`;
const rows = `
INSERT INTO "user" SELECT n, 'e' || n, 'n' || n, 'p' || n, n % 80, n FROM generate_series(1, 50) n;
INSERT INTO "post" SELECT n, n, 't' || n, n * 2 FROM generate_series(1, 50) n;`;

interface Case {
  readonly sql: string;
  /** What the original stands for where there are rows; it fails or loses on them. */
  readonly meant?: string;
  /** What a person writes into the backfill. */
  readonly fill?: string;
  /** Findings of the series that no other way of doing it avoids. */
  readonly inherent?: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  "SET NOT NULL": { sql: `ALTER TABLE "user" ALTER COLUMN "name" SET NOT NULL;` },
  "an index and a unique one": {
    sql: `CREATE INDEX "i" ON "post"("userId");\nCREATE UNIQUE INDEX "u" ON "user"("email");`,
  },
  "a unique constraint": { sql: `ALTER TABLE "user" ADD CONSTRAINT "u" UNIQUE ("email", "age");` },
  "a foreign key and a check, in one statement": {
    sql: `ALTER TABLE "post" ADD CONSTRAINT "f" FOREIGN KEY ("userId") REFERENCES "user"("id") ON DELETE SET NULL ON UPDATE CASCADE, ADD CONSTRAINT "c" CHECK ("score" >= 0), ADD COLUMN "ñ" NUMERIC(10,2) DEFAULT 1;`,
  },
  "RENAME COLUMN with its indexes": {
    sql: `ALTER TABLE "user" RENAME COLUMN "phone" TO "mobile";`,
    inherent: ["backfill", "drop-column", "trigger", "drop-object"],
  },
  "Prisma's DROP and ADD of a renamed field": {
    sql: `ALTER TABLE "post" DROP COLUMN "title",\nADD COLUMN     "headline" TEXT;`,
    inherent: ["backfill", "drop-column", "trigger", "drop-object"],
  },
  "the same with its index, which another takes the place of": {
    sql: `DROP INDEX "post_score_idx";\nALTER TABLE "post" DROP COLUMN "title",\nADD COLUMN     "headline" TEXT;\nCREATE INDEX "post_score_headline_idx" ON "post"("score", "headline");`,
    inherent: ["backfill", "drop-column", "trigger", "drop-object", "drop-index"],
  },
  "a wider type": {
    sql: `ALTER TABLE "user" ALTER COLUMN "code" SET DATA TYPE BIGINT;\nALTER TABLE "post" ALTER COLUMN "score" TYPE BIGINT;`,
    inherent: ["backfill", "drop-column", "trigger", "drop-object", "rename"],
  },
  "a volatile default": {
    sql: `ALTER TABLE "user" ADD COLUMN "token" INTEGER NOT NULL DEFAULT "five"(), ADD COLUMN "other" INTEGER DEFAULT ("five"() + 1);`,
    inherent: ["backfill"],
  },
  "a required column without default": {
    sql: `ALTER TABLE "post" ADD COLUMN     "lang" VARCHAR(5) NOT NULL;`,
    meant: `ALTER TABLE "post" ADD COLUMN "lang" VARCHAR(5) NOT NULL DEFAULT 'es'; ALTER TABLE "post" ALTER COLUMN "lang" DROP DEFAULT;`,
    fill: `UPDATE "post" SET "lang" = 'es' WHERE "lang" IS NULL;`,
  },
  "an enum's value that goes, and one that comes": {
    sql: `-- AlterEnum
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('A', 'NEW', 'B');
ALTER TABLE "public"."user" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "user" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ALTER TABLE "user" ALTER COLUMN "second" TYPE "Role_new" USING ("second"::text::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "public"."Role_old";
ALTER TABLE "user" ALTER COLUMN "role" SET DEFAULT 'A';
COMMIT;`,
    inherent: ["backfill", "drop-column", "trigger", "drop-object", "rename"],
  },
  "all at once, as Prisma writes it": {
    sql: `-- AlterTable\nALTER TABLE "user" DROP COLUMN "phone",\nADD COLUMN     "mobile" TEXT NOT NULL,\nALTER COLUMN "age" SET NOT NULL;\n\n-- CreateTable\nCREATE TABLE "tag" ("id" INTEGER NOT NULL, "postId" INTEGER NOT NULL, CONSTRAINT "tag_pkey" PRIMARY KEY ("id"));\n\n-- CreateIndex\nCREATE INDEX "user_mobile_idx" ON "user"("mobile");\n\n-- AddForeignKey\nALTER TABLE "tag" ADD CONSTRAINT "tag_postId_fkey" FOREIGN KEY ("postId") REFERENCES "post"("id") ON DELETE RESTRICT ON UPDATE CASCADE;`,
    inherent: ["backfill", "drop-column", "trigger", "drop-object"],
  },
};

const source = (name: string, sql: string) => ({ name, path: name, sql });
const folderOf = (migrations: readonly { name: string; sql: string }[]): MigrationsFolder => ({
  ...{ folder: "", provider: undefined, lockfile: undefined },
  migrations: migrations.map(({ name, sql }) => ({
    name,
    path: name,
    sql,
    checksum: checksumOf(sql),
    plan: planScript(sql),
  })),
});

async function apply(client: pg.Client, sql: string): Promise<void> {
  const plan = planScript(sql);
  if (plan.kind === "alone") await client.query(plan.statement.text);
  else {
    assert.equal(plan.kind, "transaction", JSON.stringify(plan));
    await client.query(`BEGIN;\n${sql}\n;COMMIT`);
  }
}

/** The schema and the rows in a form in which the order of columns does not count. */
async function contents(client: pg.Client): Promise<Record<string, unknown>> {
  const of = async (sql: string) => (await client.query<{ text: string }>(sql)).rows.map(({ text }) => text);
  const tables = await of(
    `SELECT relname::text AS text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  const data: string[][] = [];
  for (const table of tables) data.push(await of(`SELECT to_jsonb(t)::text AS text FROM "${table}" t ORDER BY id`));
  return {
    data,
    columns: await of(
      `SELECT concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)) AS text FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AND attnum > 0 AND NOT attisdropped ORDER BY 1`,
    ),
    constraints: await of(
      `SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1`,
    ),
    indexes: await of(
      `SELECT pg_get_indexdef(indexrelid) || indisvalid AS text FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) ORDER BY 1`,
    ),
    others: await of(
      `SELECT tgname::text AS text FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT concat_ws(' ', enumtypid::regtype, enumsortorder, enumlabel) FROM pg_enum UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`,
    ),
  };
}

describe("the safe series for a migration", function () {
  this.timeout(120_000);
  before(() => loadParser());

  for (const [name, { sql, meant, fill, inherent = [] }] of Object.entries(cases)) {
    describe(name, () => {
      let series: Series;
      before(async () => {
        const planned = await planSeries([source("1", init)], source("2", sql));
        assert.ok(planned);
        series = planned;
      });

      it("ends with what the original makes, and with the same rows; each step can be undone", async () => {
        const cluster = await testCluster();
        const [wanted, found] = await Promise.all(
          ["rewrite_a", "rewrite_b"].map(async (database, at) => {
            await cluster.create(database);
            return withClient(cluster.database(database), { applicationName: "rewrite" }, async (client) => {
              await client.query(init + rows);
              if (at === 0) {
                // Prisma's DROP and ADD loses the values and fails on rows; what is meant is a rename.
                const stands = sql.replace(
                  /DROP COLUMN "(\w+)",\s*ADD COLUMN\s+"(\w+)" TEXT( NOT NULL)?/,
                  (_, from: string, to: string) =>
                    from === "title" || from === "phone"
                      ? `ALTER COLUMN "id" SET NOT NULL; DROP INDEX IF EXISTS ${from === "title" ? '"post_score_idx"' : '"user_phone_idx", "user_name_phone_key"'}; ALTER TABLE ${from === "title" ? '"post"' : '"user"'} RENAME COLUMN "${from}" TO "${to}"; ALTER TABLE "user" ALTER COLUMN "id" SET NOT NULL`
                      : _,
                );
                await client.query(meant ?? stands);
                return contents(client);
              }
              const befores: Record<string, unknown>[] = [];
              for (const migration of series.migrations) {
                befores.push(await contents(client));
                const filled = fill !== undefined && migration.stage === "backfill";
                await apply(client, filled ? fill : migration.sql);
              }
              const end = await contents(client);
              {
                for (const [index, { down }] of [...series.migrations.entries()].toReversed()) {
                  await apply(client, down);
                  // The values that a backfill gave stay, until their column goes with the first step.
                  const filled = index > 0 && /_(backfill|expand)$/.test(series.migrations[index]?.name ?? "");
                  const shape = filled ? { data: [] } : {};
                  assert.deepEqual(
                    { ...(await contents(client)), ...shape },
                    { ...befores[index], ...shape },
                    `${series.migrations[index]?.name ?? ""}\n${down}`,
                  );
                }
              }
              return end;
            });
          }),
        );
        assert.deepEqual(found, wanted, series.migrations.map((migration) => migration.sql).join("\n"));
      });

      it("leaves no difference that Prisma sees", async () => {
        const cluster = await testCluster();
        const database = await cluster.create("rewrite_diff");
        const folder = mkdtempSync(path.join(tmpdir(), "risk-rewrite-"));
        writeFileSync(path.join(folder, "schema.prisma"), `datasource db {\n  provider = "postgresql"\n}\n`);
        const before = source("1", init);
        const to = { tag: "migrations", ...toMigrationList(folderOf([before, source("2", sql)])) } as const;
        const from = { tag: "migrations", ...toMigrationList(folderOf([before, ...series.migrations])) } as const;
        const { stdout } = await withEngine(
          database,
          { schema: path.join(folder, "schema.prisma") },
          { disposable: true },
          ({ api }) => api.diff({ from, to, script: true, exitCode: null, filters: allTables }),
        );
        rmSync(folder, { recursive: true });
        assert.match(stdout ?? "", /empty migration/);
      });

      it("is safe itself, but for what no way avoids", async () => {
        const names = new Set(series.migrations.map((migration) => migration.name));
        const sources = series.migrations.map((migration) => source(migration.name, migration.sql));
        const options = { postgresMajor: 15, largeTableBytes: 1e8 };
        const risks = await assessMigrations([source("1", init), ...sources], names, options);
        for (const risk of risks) {
          const rules = risk.findings.filter(({ tier }) => tier !== "safe").map(({ rule }) => rule);
          assert.deepEqual(
            rules.filter((rule) => !inherent.includes(rule)),
            [],
            `${risk.file}: ${JSON.stringify(risk.findings)}`,
          );
          assert.ok(tiers.indexOf(risk.tier) <= tiers.indexOf("risky"));
        }
      });
    });
  }

  it("old and new application write side by side while a column is renamed", async () => {
    const cluster = await testCluster();
    const planned = await planSeries(
      [source("1", init)],
      source("2", `ALTER TABLE "user" RENAME COLUMN "phone" TO "mobile";`),
    );
    const expand = planned?.migrations.find(({ name }) => name.endsWith("expand"));
    assert.ok(expand);
    await withClient(await cluster.create("rewrite_sync"), { applicationName: "rewrite" }, async (client) => {
      await client.query(init);
      await client.query(expand.sql);
      await client.query(`INSERT INTO "user" ("id", "email", "phone", "code") VALUES (1, 'a', 'old', 1)`);
      await client.query(`INSERT INTO "user" ("id", "email", "mobile", "code") VALUES (2, 'b', 'new', 2)`);
      await client.query(
        `UPDATE "user" SET "phone" = 'old again' WHERE "id" = 2; UPDATE "user" SET "mobile" = 'new again' WHERE "id" = 1`,
      );
      const { rows: found } = await client.query(`SELECT "phone", "mobile" FROM "user" ORDER BY "id"`);
      assert.deepEqual(found, [
        { phone: "new again", mobile: "new again" },
        { phone: "old again", mobile: "old again" },
      ]);
    });
  });

  it("keeps what it cannot take over, and says why", async () => {
    const kept = async (sql: string) =>
      planSeries([source("1", init)], source("2", `${sql}\nCREATE INDEX "i" ON "post"("title");`));
    assert.match(
      (await kept(`ALTER TABLE "user" ALTER COLUMN "id" TYPE BIGINT;`))?.kept.join() ?? "",
      /constraint "user_pkey" is over "id"/,
    );
    assert.match(
      (await kept(`ALTER TABLE "user" ALTER COLUMN "email" TYPE INTEGER USING "email"::INTEGER;`))?.kept.join() ?? "",
      /may not fit/,
    );
    for (const together of [
      `ALTER TABLE "user" RENAME COLUMN "phone" TO "mobile"; UPDATE "user" SET mobile = trim(mobile);`,
      `ALTER TABLE "user" ALTER COLUMN "code" TYPE BIGINT, ALTER COLUMN "code" SET DEFAULT 7;`,
      `ALTER TABLE "user" ADD COLUMN "token" UUID DEFAULT gen_random_uuid(), ALTER COLUMN "token" DROP DEFAULT;`,
      `ALTER TABLE "post" DROP COLUMN "title", ADD COLUMN "headline" TEXT; CREATE VIEW v AS SELECT headline FROM "post";`,
      `ALTER TABLE "user" ALTER COLUMN "name" SET NOT NULL; ALTER TABLE "user" RENAME TO "users";`,
    ]) {
      const index = `\nCREATE INDEX "i" ON "post"("score");`;
      const planned = await planSeries([source("1", init)], source("2", together + index));
      assert.deepEqual(
        planned?.migrations.map(({ stage }) => stage),
        ["expand", "expand"],
        together,
      );
    }
    assert.equal(await planSeries([source("1", init)], source("2", `DROP TABLE "post";`)), undefined);
    assert.equal(
      await planSeries([source("1", init)], source("2", `SELEC 1; CREATE INDEX "i" ON "post"("title");`)),
      undefined,
    );
  });

  it("writes folders with down.sql beside the original, which it leaves as it is; once", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "risk-rewrite-"));
    try {
      for (const [name, sql] of [
        ["20260101000000_init", init],
        ["20260102000000_phone", `ALTER TABLE "user" RENAME COLUMN "phone" TO "mobile";`],
        ["20260103000000_next", "SELECT 1;"],
      ] as const) {
        mkdirSync(path.join(folder, "migrations", name), { recursive: true });
        writeFileSync(path.join(folder, "migrations", name, "migration.sql"), sql);
      }
      const migrations = path.join(folder, "migrations");
      const project = { migrations, schema: path.join(folder, "schema.prisma"), defaultSchema: "public" };
      const told = await rewriteIn(project, "20260102000000_phone");
      assert.match(told, / rm -r .*20260102000000_phone\n/);
      assert.match(told, /The Prisma schema stays as it is, as it could not be brought in step: .* cannot be read/);
      assert.match(told, /npm run risk -- --release 20260102000000_phone$/);
      const names = readdirSync(migrations).sort((a, b) => a.localeCompare(b));
      assert.equal(names.at(-1), "20260103000000_next");
      assert.equal(names[2], "20260102000000_phone_1_expand");
      for (const name of names.slice(2, -1))
        assert.deepEqual(readdirSync(path.join(migrations, name)).sort(), ["down.sql", "migration.sql"]);
      assert.match(
        readFileSync(path.join(migrations, "20260102000000_phone", "migration.sql"), "utf8"),
        /^ALTER TABLE "user" RENAME/,
      );
      assert.deepEqual(readdirSync(folder), ["held", "migrations"]);
      assert.deepEqual(readdirSync(path.join(folder, "held", "20260102000000_phone")).sort(), [
        "20260102000000_phone_8_contract",
        "series.json",
      ]);
      await assert.rejects(rewriteIn(project, "20260102000000_phone"), /is there already/);
      writeFileSync(
        path.join(migrations, "20260103000000_next", "migration.sql"),
        `ALTER TABLE "user" RENAME COLUMN "mobile" TO "cell";`,
      );
      await assert.rejects(
        rewriteIn(project, "20260102000000_phone"),
        /20260103000000_next, which comes later, changes/,
      );
      writeFileSync(path.join(migrations, "20260103000000_next", "migration.sql"), "SELECT 1;");
      await assert.rejects(rewriteIn(project, "phone"), /There is no migration "phone"/);
      await assert.rejects(rewriteIn(project, "20260103000000_next"), /no safer series/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
