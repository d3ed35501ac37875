import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMigrations } from "../../../pipeline/prisma/migrations.js";
import { loadParser } from "../../../pipeline/prisma/plan.js";
import { downSql, emptyDownSql } from "../../../tools/prisma/downSql.js";

describe("down.sql: what its head says", () => {
  before(() => loadParser());

  for (const [what, forward, backward, said] of [
    [
      "a dropped table",
      'DROP TABLE "a";',
      'CREATE TABLE "a" (id int);',
      /CANNOT BE RESTORED[^]*- the rows of table "a"$/m,
    ],
    ["a dropped column", 'ALTER TABLE "a" DROP COLUMN "b";', "", /CANNOT[^]*the values of column "b" of "a"$/m],
    [
      "a changed type",
      'ALTER TABLE "a" ALTER COLUMN "b" SET DATA TYPE INTEGER;',
      'ALTER TABLE "a" ALTER COLUMN "b" SET DATA TYPE BIGINT;',
      /"b" of "a" as they were, where int4 cannot hold them[^]*may not fit int8/,
    ],
    [
      "a value taken out of an enum, as Prisma does it",
      `BEGIN;\nCREATE TYPE "E_new" AS ENUM ('A');\nALTER TABLE "t" ALTER COLUMN "e" TYPE "E_new" USING ("e"::text::"E_new");\nALTER TYPE "E" RENAME TO "E_old";\nALTER TYPE "E_new" RENAME TO "E";\nDROP TYPE "E_old";\nCOMMIT;`,
      `ALTER TYPE "E" ADD VALUE 'B';`,
      /which rows held a value that is taken out of enum "E"/,
    ],
    [
      "a new table",
      "CREATE TABLE a (id int);",
      'DROP TABLE "a";',
      /IS LOST OR MAY FAIL[^]*the rows of table "a" are lost/,
    ],
    [
      "a column that comes back required",
      'ALTER TABLE "a" DROP COLUMN "b";',
      'ALTER TABLE "a" ADD COLUMN "b" INTEGER NOT NULL;',
      /any row in "a" makes it fail, as "b" is required and has no default/,
    ],
    ["what cannot be seen into", "DO $$ BEGIN END $$;", "", /cannot be seen/],
  ] as const)
    it(what, () => {
      const text = downSql(forward, backward);
      assert.match(text, said);
      assert.ok(text.includes(backward));
    });

  it("nothing where nothing is lost", () => {
    const text = downSql('CREATE INDEX "i" ON "a" ("b");', 'DROP INDEX "i";');
    assert.doesNotMatch(text, /CANNOT|IS LOST/);
    assert.match(text, /\nDROP INDEX "i";\n$/);
  });

  it("says once what the trial has found already", () => {
    const back = 'ALTER TABLE "a" ADD COLUMN "b" INTEGER NOT NULL;';
    const [told = ""] = /any row in [^\n]*/.exec(downSql("SELECT 1;", back)) ?? [];
    const text = downSql("SELECT 1;", back, [told]);
    assert.equal(text.split("any row in").length, 2, text);
    assert.match(text, /IS A COMMENT ONLY/);
    assert.doesNotMatch(text, /IS LOST OR MAY FAIL/);
  });

  it("is a comment to its end, whatever a name holds", () => {
    const text = downSql('DROP TABLE "a\nDROP TABLE b; --";', "");
    for (const line of text.trim().split("\n")) assert.match(line, /^(--|$)/);
  });

  it("of an empty migration says what to write, and runs nothing", () => {
    for (const line of emptyDownSql.trim().split("\n")) assert.match(line, /^--/);
  });

  it("beside a migration is no migration, and no part of its checksum", async () => {
    const folder = await mkdtemp(join(tmpdir(), "safe-migration-down-"));
    try {
      await mkdir(join(folder, "1_a"));
      await writeFile(join(folder, "1_a", "migration.sql"), "SELECT 1;");
      const without = await readMigrations(folder);
      await writeFile(join(folder, "1_a", "down.sql"), "SELECT broken");
      const beside = await readMigrations(folder);
      assert.deepEqual(
        beside.migrations.map(({ name, checksum }) => [name, checksum]),
        without.migrations.map(({ name, checksum }) => [name, checksum]),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
