import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import type { Database } from "../../pipeline/contracts.js";
import { run } from "../../pipeline/process.js";
import { schemaEngineProgram } from "../../tools/prisma/environment.js";
import { databasesLike, maintain, query } from "../pipeline/backupFixtures.js";
import { AdoptPage } from "../support/adoptPage.js";
import { Checkout } from "../support/checkout.js";
import { inSteps } from "../support/inSteps.js";
import { testCluster } from "../support/postgres.js";

const root = resolve(__dirname, "../..");
const library = join(root, "test/support/prismaProjects/library");
const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/**
 * docs/adopt.md as it stands, step by step, around the database of a second application: made by hand, with an administrator that is
 * no superuser, and another role that owns its tables. Configuration and commands are the document's own; what differs is where
 * the database and the folders are. Each step stands on the one before.
 */
describe("docs/adopt.md, on a database that nobody made for it", function () {
  this.timeout(300_000);
  inSteps(this);
  let checkout: Checkout;
  let folder: string;
  let app: string;
  let database: Database;
  let page: AdoptPage;
  let env: Record<string, string>;
  const name = "adopted_library";

  /** The first block of code of a section. */
  const block = (section: number, language: string) => page.blocks(section, language, 1)[0] ?? assert.fail();

  before(async () => {
    page = await AdoptPage.read();
    const cluster = await testCluster();
    database = await cluster.create(name);
    await maintain(database, "CREATE ROLE library_owner LOGIN PASSWORD 'owner''s'");
    await maintain(database, "CREATE ROLE library_admin LOGIN CREATEDB PASSWORD 'of the admin' IN ROLE library_owner");
    await maintain(database, `ALTER DATABASE ${name} OWNER TO library_owner`);
    await query(database, `SET ROLE library_owner; ${await readFile(join(library, "by-hand.sql"), "utf8")}`);
    checkout = await Checkout.make("config: {}\n");
    // Beside the checkout, as `../shop` is.
    folder = await mkdtemp(join(tmpdir(), "library-"));
    app = join(folder, "shop");
    await cp(library, app, { recursive: true });
    await symlink(join(root, "node_modules"), join(app, "node_modules"));
    const state = join(folder, "state");
    await mkdir(state);
    env = {
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
      LIBRARY_PASSWORD: "of the admin",
    };
  });
  after(async () => {
    await checkout?.remove();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    const cluster = await testCluster();
    for (const each of await databasesLike(database, name)) await cluster.drop(each);
    await maintain(database, "DROP ROLE library_admin; DROP ROLE library_owner");
  });

  const npm = (script: string, ...args: string[]) => checkout.npm(script, args, { env });
  /** The commands of a block, in the application's own folder, where its own URL is set. */
  const inApplication = async (commands: string) => {
    const url = `postgresql://library_owner:${encodeURIComponent("owner's")}@${database.host}:${database.port}/${name}`;
    // Only so that nothing is downloaded.
    const offline = { PRISMA_SCHEMA_ENGINE_BINARY: schemaEngineProgram, CHECKPOINT_DISABLE: "1" };
    const result = await run("bash", ["-euc", commands], { cwd: app, env: { DATABASE_URL: url, ...offline } });
    assert.equal(result.exitCode, 0, all(result));
  };
  const rows = () =>
    query(database, "SELECT count(*)::int AS loans, (SELECT count(*)::int FROM readers) AS readers FROM loans");
  const filled = [{ loans: 300, readers: 200 }];

  it("1. a stack of its own, named as the document has it; it is refused before anything is touched, with what to do", async () => {
    const { config } = parse(block(1, "yaml")) as { config: Record<string, Record<string, unknown>> };
    const described = { ...config["safe-migration:database"] };
    assert.deepEqual(Object.keys(described), ["kind", "host", "name", "user", "owner", "password", "tls"]);
    // This server, on this machine, speaks no TLS; and its password is a variable's.
    delete described["tls"];
    const { host, port } = database;
    Object.assign(described, { host, port, name, user: "library_admin", owner: "library_owner" });
    Object.assign(described, { password: { from: "environment", variable: "LIBRARY_PASSWORD" } });
    const project = config["safe-migration:project"] ?? {};
    for (const key of ["schema", "migrations"])
      project[key] = String(project[key]).replace("../shop", `../${basename(folder)}/shop`);
    await writeFile(
      checkout.path("Pulumi.shop.yaml"),
      stringify({ config: { ...config, "safe-migration:database": described, "safe-migration:project": project } }),
    );
    await mkdir(join(app, "prisma/migrations"));
    const refused = await npm("up", "--stack", "shop");
    assert.notEqual(refused.exitCode, 0);
    assert.match(
      all(refused),
      /has no history of migrations, and holds what none of them has made:[^]*Copies[^]*\(docs\/adopt\.md, 3\)/,
    );
    assert.deepEqual(await rows(), filled);
  });

  it("3. its first migration is made of what is there, and recorded as applied, by the document's commands", async () => {
    await inApplication(block(3, "bash"));
    assert.match(await readFile(join(app, "prisma/migrations/0_init/migration.sql"), "utf8"), /CREATE TABLE "readers"/);
    assert.deepEqual(await query(database, "SELECT migration_name AS name FROM _prisma_migrations"), [
      { name: "0_init" },
    ]);
  });

  it("4. the first proved backup, with nothing pending; every row stays", async () => {
    const up = await npm(
      ...(block(4, "bash").trim().replace("npm run ", "").replace(" -- ", " ").split(" ") as [string]),
    );
    assert.equal(up.exitCode, 0, all(up));
    assert.match(all(up), /proved: the backup restores to the same 80\d rows/);
    assert.deepEqual(await rows(), filled);
  });

  it("from then on a preview shows what is pending, the next update applies it as the owner, and commands by hand know the stack", async () => {
    await mkdir(join(app, "prisma/migrations/20260601000000_email"));
    await writeFile(
      join(app, "prisma/migrations/20260601000000_email/migration.sql"),
      'ALTER TABLE "readers" ADD COLUMN "email" TEXT;\nCREATE TABLE "fines" ("id" SERIAL PRIMARY KEY);\n',
    );
    const preview = await npm("preview", "--stack", "shop");
    assert.equal(preview.exitCode, 0, all(preview));
    assert.match(all(preview), /Pending migrations .*: 1\n.*20260601000000_email/);
    const up = await npm("up", "--stack", "shop");
    assert.equal(up.exitCode, 0, all(up));
    const owner = "SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'fines'";
    assert.deepEqual(await query(database, owner), [{ owner: "library_owner" }]);
    assert.deepEqual(await rows(), filled);
    const status = await npm("prisma:migrate:status", "--environment", "shop");
    assert.equal(status.exitCode, 0, all(status));
    assert.match(status.stdout, /0_init +│ applied[^]*In sync/);
    await query(database, "DELETE FROM loans");
    const restored = await npm("db:restore", "--environment", "shop", "--yes", "shop");
    assert.equal(restored.exitCode, 0, all(restored));
    assert.deepEqual(await rows(), filled);
  });
});
