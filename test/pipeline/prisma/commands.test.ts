import assert from "node:assert/strict";
import { readFile, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Database } from "../../../pipeline/contracts.js";
import { exitCodes } from "../../../pipeline/errors.js";
import { type PrismaCommandName, prismaCommand } from "../../../tools/prisma/command.js";
import { testCluster } from "../../support/postgres.js";
import { apply, comparison, rows } from "../../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";

const makeThing = 'CREATE TABLE "Thing" (id int NOT NULL, CONSTRAINT "Thing_pkey" PRIMARY KEY (id));';

describe("the prisma commands", function () {
  this.timeout(120_000);
  let database: Database;
  let project: TestProject;

  beforeEach(async () => {
    database = await (await testCluster()).create("prisma_commands", { owner: "app owner" });
    project = await writeProject({ "1_thing": makeThing }, "model Thing {\n  id Int @id\n}\n");
  });
  afterEach(() => project.remove());

  /** Runs a command in this process and keeps what it prints. */
  async function command(
    name: PrismaCommandName,
    args: readonly string[] = [],
    environment = "local",
  ): Promise<{ code: number; text: string }> {
    const streams = [process.stdout, process.stderr] as const;
    const writes = streams.map((stream) => stream.write.bind(stream));
    let text = "";
    for (const stream of streams) {
      stream.write = (chunk: string | Uint8Array): boolean => {
        text += chunk.toString();
        return true;
      };
    }
    try {
      const { schema, migrations } = project;
      return {
        code: await prismaCommand(name, args, { environment, database, project: { schema, migrations } }),
        text,
      };
    } finally {
      for (const [at, stream] of streams.entries()) stream.write = writes[at] ?? (() => true);
    }
  }

  const folders = async () => (await readdir(project.migrations)).filter((name) => !name.endsWith(".toml")).sort();

  it("create writes the change under a name made of what was typed, and touches no table", async () => {
    await project.models("model Thing {\n  id Int @id\n  x  Int?\n}\n");
    const { code, text } = await command("create", ["--name", "Añade X / y"]);
    assert.equal(code, exitCodes.ok, text);
    const [, made = ""] = await folders();
    assert.match(made, /^\d{14}_anade_x_y$/);
    assert.match(
      await readFile(path.join(project.migrations, made, "migration.sql"), "utf8"),
      /ADD COLUMN +"x" INTEGER/,
    );
    assert.deepEqual(await rows(database, `select to_regclass('"Thing"') as t`), [{ t: null }]);
  });

  it("create makes an empty file where the schema has no change, and a project's first migration", async () => {
    assert.equal((await command("create", ["--name=by_hand"])).code, exitCodes.ok);
    const made = (await folders()).find((name) => name.endsWith("_by_hand")) ?? "";
    assert.match(
      await readFile(path.join(project.migrations, made, "migration.sql"), "utf8"),
      /^-- The Prisma schema has no change/,
    );

    await rm(project.migrations, { recursive: true });
    const first = await command("create", ["--name", "init"]);
    assert.equal(first.code, exitCodes.ok, first.text);
    assert.match(await readFile(path.join(project.migrations, "migration_lock.toml"), "utf8"), /postgresql/);
  });

  it("create says what it lacks, and what it does not know", async () => {
    for (const args of [[], ["--name"], ["--name", "¿?"], ["--nmae", "x"]]) {
      const { code, text } = await command("create", args);
      assert.equal(code, exitCodes.usage, args.join(" "));
      assert.match(text, /npm run prisma:migrate:create -- --name add_orders/);
    }
    assert.deepEqual(await folders(), ["1_thing"]);
  });

  it("status lists what is pending and exits with 0; edited, missing, failed and drift do not", async () => {
    const pending = await command("status");
    assert.deepEqual([pending.code, /1_thing[\s│]+pending/.test(pending.text)], [exitCodes.ok, true], pending.text);
    await apply(database, project, "1_thing");
    assert.match((await command("status")).text, /In sync/);

    await rows(database, `alter table "Thing" add column by_hand int`);
    const drift = await command("status");
    assert.deepEqual([drift.code, /Added column `by_hand`/.test(drift.text)], [exitCodes.refused, true], drift.text);
    await rows(database, `alter table "Thing" drop column by_hand`);

    await project.migration("1_thing", `${makeThing}\n-- edited`);
    const edited = await command("status");
    assert.deepEqual([edited.code, /1_thing[\s│]+edited/.test(edited.text)], [exitCodes.refused, true], edited.text);

    await rm(path.join(project.migrations, "1_thing"), { recursive: true });
    const missing = await command("status");
    assert.deepEqual(
      [missing.code, /1_thing[\s│]+missing/.test(missing.text)],
      [exitCodes.refused, true],
      missing.text,
    );

    await project.migration("1_thing", makeThing);
    await rows(database, "update _prisma_migrations set finished_at = null, logs = 'by another tool'");
    const failed = await command("status");
    assert.deepEqual([failed.code, /1_thing[\s│]+failed/.test(failed.text)], [exitCodes.refused, true], failed.text);
  });

  it("resolve records a failed migration either way", async () => {
    await apply(database, project, "1_thing");
    await rows(database, "update _prisma_migrations set finished_at = null");
    assert.equal(
      (await command("resolve", ["--applied", "1_thing", "--rolled-back", "1_thing"])).code,
      exitCodes.usage,
    );
    assert.equal((await command("resolve", ["--applied", "1_thing"])).code, exitCodes.ok);
    assert.equal((await comparison(database, project)).failed.length, 0);
    const again = await command("resolve", ["--rolled-back", "1_thing"]);
    assert.equal(again.code, exitCodes.refused, again.text);
    assert.equal((await comparison(database, project)).applied.length, 1);
  });

  it("reset refuses other environments and to go on unasked, and applies everything again", async () => {
    await apply(database, project, "1_thing");
    await rows(database, `insert into "Thing" values (1)`);
    for (const [args, environment] of [
      [["--force"], "prod"],
      [[], "local"],
    ] as const) {
      assert.equal((await command("reset", args, environment)).code, exitCodes.refused);
    }
    assert.deepEqual(await rows(database, `select count(*)::int as n from "Thing"`), [{ n: 1 }]);
    const done = await command("reset", ["--force"]);
    assert.equal(done.code, exitCodes.ok, done.text);
    assert.deepEqual(await rows(database, `select count(*)::int as n from "Thing"`), [{ n: 0 }]);
    const owners = await rows(database, `select distinct tableowner from pg_tables where schemaname = 'public'`);
    assert.deepEqual(owners, [{ tableowner: "app owner" }]);
  });

  it("dev applies, creates and applies again; where Prisma would reset it refuses and keeps the data", async () => {
    assert.equal((await command("dev", ["--name", "x"], "staging")).code, exitCodes.refused);
    await project.models(
      'generator client {\n  provider = "prisma-client"\n  output   = "./generated"\n}\n\nmodel Thing {\n  id Int  @id\n  x  Int?\n}\n',
    );
    const { code, text } = await command("dev", ["--name", "add_x"]);
    assert.equal(code, exitCodes.ok, text);
    assert.equal((await comparison(database, project)).applied.length, 2);
    await rows(database, `alter table "Thing" add column by_hand int`);
    const refused = await command("dev", ["--name", "y"]);
    assert.deepEqual([refused.code, /Drift detected/.test(refused.text)], [exitCodes.refused, true], refused.text);
  });

  it("validate shows Prisma's own message", async () => {
    assert.equal((await command("validate")).code, exitCodes.ok);
    await project.models("model Thing {\n  id Nope @id\n}\n");
    const { code, text } = await command("validate");
    assert.deepEqual([code, /Type "Nope" is neither a built-in type/.test(text)], [exitCodes.usage, true], text);
  });
});
