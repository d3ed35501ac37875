import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Database,
  type StageRequest,
  acceptRequest,
  checkpointRequest,
  restoreRequest,
  rollbackRequest,
} from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { readIdentity } from "../../pipeline/postgres/identity.js";
import { run } from "../../pipeline/process.js";
import { accept } from "../../pipeline/stages/accept.js";
import { backup } from "../../pipeline/stages/backup.js";
import { checkpoint } from "../../pipeline/stages/checkpoint.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { restore } from "../../pipeline/stages/restore.js";
import { rollback } from "../../pipeline/stages/rollback.js";
import { prismaCommand } from "../../tools/prisma/command.js";
import { stockPrismaFor } from "../../tools/prisma/stock.js";
import { testCluster } from "../support/postgres.js";
import { apply } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { thrownBy } from "../support/thrownBy.js";
import { databasesLike, failsWith, maintain, query, quiet, temporaryStore, unrehearsed } from "./backupFixtures.js";

/** Whatever the configuration says, a command for one environment does nothing to another one's database. */
describe("a database is known by its mark and its server", function () {
  this.timeout(120_000);
  const name = "known";
  let database: Database;
  let project: TestProject;
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let runs = 0;

  const base = (environment = "staging"): StageRequest =>
    requestOf(
      { database, project, store },
      { environment, run: `run-${++runs}`, settings: { risk: { risky: "pass", dangerous: "pass" } } },
    );
  const mark = (environment: string) =>
    maintain(database, `ALTER DATABASE ${name} SET "safe_migration.environment" = '${environment}'`);

  before(async () => {
    store = await temporaryStore();
    database = await (await testCluster()).create(name, { owner: "app owner" });
    await mark("staging");
    project = await writeProject(
      { "1_init": 'CREATE TABLE "Thing" (id int PRIMARY KEY);', "2_note": 'ALTER TABLE "Thing" ADD COLUMN note text;' },
      "model Thing {\n  id   Int     @id\n  note String?\n}\n",
    );
    await writeFile(join(project.migrations, "2_note", "down.sql"), 'ALTER TABLE "Thing" DROP COLUMN note;');
    await apply(database, project, "1_init");
    await query(database, 'INSERT INTO "Thing" VALUES (1), (2)');
  });
  after(async () => {
    await project.remove();
    await store.remove();
    await (await testCluster()).drop(name);
  });

  /** Every stage that writes, each made to be refused; nothing is changed by any. */
  async function assertAllRefuse(code: string, message: RegExp): Promise<void> {
    const [before] = await query<{ rows: string }>(
      database,
      `SELECT count(*) || (SELECT count(*) FROM _prisma_migrations)::text AS rows FROM "Thing"`,
    );
    const made = await backup(base("other"), quiet).catch(() => undefined);
    assert.equal(made, undefined);
    const request = base();
    const stages: Readonly<Record<string, () => Promise<unknown>>> = {
      preflight: () => preflight(request, quiet),
      backup: () => backup(request, quiet),
      checkpoint: () => checkpoint(checkpointRequest.parse({ ...request, name: "one" }), quiet),
      migrate: () => migrate(unrehearsed({ ...request, run: staged.run }, staged), quiet),
      restore: () => restore(restoreRequest.parse(request), quiet),
      "restore into": () => restore(restoreRequest.parse({ ...request, into: `${name}_copy` }), quiet),
      rollback: () => rollback(rollbackRequest.parse(request), quiet),
    };
    for (const [stage, work] of Object.entries(stages))
      await assert.rejects(work(), failsWith(code, message), `${stage} did not refuse`);
    const [now] = await query<{ rows: string }>(
      database,
      `SELECT count(*) || (SELECT count(*) FROM _prisma_migrations)::text AS rows FROM "Thing"`,
    );
    assert.deepEqual(now, before);
    assert.deepEqual(await databasesLike(database, name), [name]);
  }
  let staged: Awaited<ReturnType<typeof backup>>;

  it("is recorded by the first run", async () => {
    const request = base();
    await preflight(request, quiet);
    staged = await backup(request, quiet);
    const record = JSON.parse(await readFile(join(store.root, "staging/database.json"), "utf8")) as {
      now: { database: string; systemIdentifier: string };
    };
    assert.deepEqual([record.now.database, record.now.systemIdentifier], [name, staged.identity.systemIdentifier]);
  });

  it("staging pointed at production's database: every stage that writes refuses", async () => {
    await mark("prod");
    await assertAllRefuse("WRONG_ENVIRONMENT", /meant for "staging".*says that it is "prod"/);
    await assert.rejects(
      accept(acceptRequest.parse({ ...base(), system: staged.identity.systemIdentifier }), quiet),
      failsWith("WRONG_ENVIRONMENT"),
    );
    await mark("staging");
  });

  it("so do Prisma's commands, ours and the stock ones", async () => {
    await mark("dev");
    const target = {
      environment: "local",
      database,
      project: { schema: project.schema, migrations: project.migrations },
    };
    const silence = process.stderr.write.bind(process.stderr);
    let said = "";
    process.stderr.write = (text: string | Uint8Array) => ((said += text.toString()), true);
    try {
      for (const [command, args] of [
        ["dev", ["--name", "x"]],
        ["create", ["--name", "x"]],
        ["reset", ["--force"]],
        ["resolve", ["--applied", "2_note"]],
      ] as const)
        assert.equal(await prismaCommand(command, args, target), 3, `${command}: ${said}`);
    } finally {
      process.stderr.write = silence;
    }
    assert.equal(said.match(/meant for "local", and the database says that it is "dev"/g)?.length, 4);
    const { command, args, env, cwd } = stockPrismaFor(target);
    for (const stock of [
      ["migrate", "deploy"],
      ["migrate", "reset", "--force"],
      ["migrate", "resolve", "--applied", "2_note"],
      ["db", "push"],
    ]) {
      const { exitCode, stdout, stderr } = await run(command, [...args, ...stock], {
        env: { ...env, NO_COLOR: "1" },
        cwd,
      });
      assert.notEqual(exitCode, 0, stock.join(" "));
      assert.match(stdout + stderr, /says that it is "dev"/, stock.join(" "));
    }
    assert.equal((await query(database, 'SELECT FROM "Thing"')).length, 2);
    assert.equal((await query(database, "SELECT FROM _prisma_migrations")).length, 1);
    await mark("staging");
  });

  it("a server that was replaced is told apart by every stage that writes, until it is accepted", async () => {
    const path = join(store.root, "staging/database.json");
    const own = staged.identity.systemIdentifier;
    await writeFile(path, (await readFile(path, "utf8")).replace(own, "7000000000000000001"));
    await assertAllRefuse(
      "DATABASE_MOVED",
      new RegExp(`system identifier ${own}; since .*"staging" has been .*7000000000000000001`),
    );
    const { next } = await thrownBy(preflight(base(), quiet), PipelineError);
    assert.match(next, new RegExp(`NODE_ENV=staging npm run db:accept -- --system ${own}$`));
    await assert.rejects(accept(acceptRequest.parse({ ...base(), system: "1" }), quiet), failsWith("OTHER_SYSTEM"));
    const result = await accept(acceptRequest.parse({ ...base(), system: own }), quiet);
    assert.equal(result.before?.systemIdentifier, "7000000000000000001");
    const { applied } = await migrate(unrehearsed({ ...base(), run: staged.run }, staged), quiet);
    assert.deepEqual(
      applied.map((one) => one.name),
      ["2_note"],
    );
    assert.equal((await rollback(rollbackRequest.parse(base()), quiet)).takenBack.length, 1);
  });

  it("another database of the same server is told apart by its name", async () => {
    const other = await (await testCluster()).create(`${name}_other`);
    await assert.rejects(backup({ ...base(), database: other }, quiet), failsWith("DATABASE_MOVED", /"known_other"/));
    await (await testCluster()).drop(`${name}_other`);
  });

  it("a record that is not one is not taken for none", async () => {
    const path = join(store.root, "staging/database.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.slice(0, 30));
    await assert.rejects(preflight(base(), quiet), failsWith("KNOWN_DATABASE"));
    await writeFile(path, text);
  });

  it("readIdentity needs no superuser", async () => {
    await maintain(database, "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN PASSWORD 'plain'");
    process.env["PLAIN_PASSWORD"] = "plain";
    const client = await connect(
      { ...database, user: "plain", password: { from: "environment", variable: "PLAIN_PASSWORD" } },
      { applicationName: "test" },
    );
    assert.equal((await readIdentity(client)).systemIdentifier, staged.identity.systemIdentifier);
    await client.end();
    await maintain(database, "DROP ROLE plain");
  });
});
