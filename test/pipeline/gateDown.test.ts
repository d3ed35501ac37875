import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import type { Database } from "../../pipeline/contracts.js";
import { diffDrift } from "../../pipeline/prisma/drift.js";
import { prismaCommand } from "../../tools/prisma/command.js";
import { workOutDown } from "../../tools/prisma/down.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { testCluster } from "../support/postgres.js";
import { query } from "./backupFixtures.js";

const init = "20250101000000_init";

describe("prisma:migrate:create writes the way back", function () {
  this.timeout(60_000);
  let database: Database;
  let project: TestProject;

  before(async () => {
    database = await (await testCluster()).create("gate_down");
    project = await writeProject(
      {
        [init]: `CREATE TYPE "Mood" AS ENUM ('GOOD', 'BAD');
CREATE TABLE "A" ("id" INTEGER NOT NULL, "gone" TEXT, "kept" INTEGER, "mood" "Mood", CONSTRAINT "A_pkey" PRIMARY KEY ("id"));
CREATE TABLE "B" ("id" INTEGER NOT NULL, CONSTRAINT "B_pkey" PRIMARY KEY ("id"));
CREATE INDEX "A_kept_idx" ON "A"("kept");
-- What Prisma's schema cannot say: it takes this for the index above.
CREATE INDEX "A_a_few_idx" ON "A"("kept") WHERE "kept" > 0;`,
      },
      "enum Mood {\n  GOOD\n}\n\nmodel A {\n  id Int @id\n  mood Mood?\n  made Int?\n  kept Int?\n\n  @@index([made])\n  @@index([kept])\n}\n",
    );
    await query(database, await readFile(path.join(project.migrations, init, "migration.sql"), "utf8"));
  });
  after(async () => {
    await project.remove();
    await (await testCluster()).drop("gate_down");
  });

  const create = async (name: string): Promise<string> => {
    const before = await readdir(project.migrations);
    const code = await prismaCommand("create", ["--name", name], { environment: "local", database, project });
    assert.equal(code, 0);
    const [made] = (await readdir(project.migrations)).filter((entry) => !before.includes(entry));
    assert.ok(made !== undefined);
    return path.join(project.migrations, made);
  };

  it("that leads from the new schema back to the one before, on a real database", async () => {
    const folder = await create("change");
    const down = await readFile(path.join(folder, "down.sql"), "utf8");
    assert.match(down, /CANNOT BE RESTORED[^]*- the values of column "gone" of "A"/);
    assert.match(down, /- the rows of table "B"/);
    assert.match(down, /- which rows held a value that is taken out of enum "Mood"/);
    assert.match(down, /IS LOST[^]*- the values of column "made" of "public"\."A" are lost/);
    assert.doesNotMatch(down, /_idx" RENAME/, "undoes what the migration does, and no more");
    await query(database, await readFile(path.join(folder, "migration.sql"), "utf8"));
    const changed = await diffDrift(database, project, { applied: [init] });
    assert.equal(changed.drifted, true);
    await query(database, down);
    const back = await diffDrift(database, project, { applied: [init] });
    assert.equal(back.drifted, false, back.summary);
  });

  it("around what depends on the type of a column, and as a comment where it does not lead back", async () => {
    const own = await writeProject(
      {
        [init]: `CREATE TYPE "Mood" AS ENUM ('GOOD', 'BAD');
CREATE TABLE "A" ("id" INTEGER NOT NULL, "mood" "Mood", CONSTRAINT "A_pkey" PRIMARY KEY ("id"), CONSTRAINT "A_mood_check" CHECK ("mood" <> 'BAD'));
CREATE INDEX "A_good_idx" ON "A"("id") WHERE "mood" = 'GOOD';`,
      },
      "enum Mood {\n  GOOD\n  BAD\n  SO_SO\n}\n\nmodel A {\n  id Int @id\n  mood Mood?\n}\n",
    );
    try {
      const forward = { name: "1_more", empty: false, sql: `ALTER TYPE "Mood" ADD VALUE 'SO_SO';` };
      const around = await workOutDown(database, own, forward, { environment: "local" });
      assert.equal(around.runs, true, around.sql);
      assert.match(around.sql, /^DROP INDEX public\."A_good_idx";$[^]*^CREATE INDEX "A_good_idx" ON public\."A"/m);
      const dropped = { name: "1_gone", empty: false, sql: `DROP TABLE "A";` };
      const comment = await workOutDown(database, own, dropped, { environment: "local" });
      assert.equal(comment.runs, false);
      assert.match(comment.sql, /IS A COMMENT ONLY[^]*constraint "A_mood_check" of public\."A" is missing/);
      assert.doesNotMatch(comment.sql, /^[^-\n]/m);
    } finally {
      await own.remove();
    }
  });

  it("as a template where the migration is empty", async () => {
    const folder = await create("by_hand");
    assert.match(await readFile(path.join(folder, "down.sql"), "utf8"), /^-- Undoes migration\.sql: what to run/);
    assert.ok(existsSync(path.join(folder, "migration.sql")));
  });
});
