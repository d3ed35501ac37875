import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { Database } from "../../pipeline/contracts.js";
import { maintain, query } from "../pipeline/backupFixtures.js";
import { Checkout } from "../support/checkout.js";
import { testCluster } from "../support/postgres.js";

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/** Reached by a stack's outputs alone, which are put into its state here as an update would leave them. */
describe("npm run prisma:migrate:reset, elsewhere than on local", function () {
  this.timeout(120_000);
  const name = "reset_dev";
  let checkout: Checkout;
  let database: Database;
  let env: Record<string, string>;

  before(async () => {
    const cluster = await testCluster();
    database = await cluster.create(name);
    await maintain(database, "CREATE ROLE reset_admin LOGIN CREATEDB PASSWORD 'of the admin'");
    await maintain(database, "CREATE ROLE reset_owner LOGIN");
    await maintain(database, "GRANT reset_owner TO reset_admin");
    await maintain(database, `ALTER DATABASE ${name} OWNER TO reset_owner`);
    await maintain(database, `ALTER DATABASE ${name} SET safe_migration.environment = 'dev'`);
    await query(database, "SET ROLE reset_owner; CREATE TABLE leftover (id int); INSERT INTO leftover VALUES (1)");
    checkout = await Checkout.make("config: {}\n");
    await mkdir(checkout.path("state"));
    env = {
      PULUMI_BACKEND_URL: `file://${checkout.path("state")}`,
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
      RESET_PASSWORD: "of the admin",
    };
  });
  after(async () => {
    await checkout?.remove();
    await (await testCluster()).drop(name);
    await maintain(database, "DROP ROLE reset_admin; DROP ROLE reset_owner");
  });

  const reset = (stack: string) => checkout.npm("prisma:migrate:reset", ["--stack", stack, "--force"], { env });
  const tables = () => query(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");

  /** A stack around the database, with what its last update said of it. */
  async function stack(of: string, more: object = {}): Promise<void> {
    const { host, port } = database;
    const password = { from: "environment", variable: "RESET_PASSWORD" };
    const reached = { host, port, name, user: "reset_admin", password };
    const settings = { kind: "existing", ...reached, owner: "reset_owner" };
    await writeFile(
      checkout.path(`Pulumi.${of}.yaml`),
      stringify({
        config: {
          "safe-migration:database": settings,
          "safe-migration:sample": { enabled: false },
          "safe-migration:connection": { privateKey: "of the test" },
        },
      }),
    );
    const pulumi = async (...args: string[]) => {
      const done = await checkout.pulumi([...args, "--stack", of], env);
      assert.equal(done.exitCode, 0, all(done));
    };
    assert.equal((await checkout.pulumi(["stack", "init", of], env)).exitCode, 0);
    const file = checkout.path("exported.json");
    await pulumi("stack", "export", "--file", file);
    const exported = JSON.parse(await readFile(file, "utf8")) as { deployment: Record<string, unknown> };
    const type = "pulumi:pulumi:Stack";
    const urn = `urn:pulumi:${of}::safe-migration::${type}::safe-migration-${of}`;
    const outputs = {
      database: { ...reached, migrateAs: "reset_owner" },
      store: `file://${checkout.path("store")}`,
      ...more,
    };
    exported.deployment["resources"] = [{ urn, type, custom: false, outputs }];
    await writeFile(file, JSON.stringify(exported));
    await pulumi("stack", "import", "--file", file);
  }

  it("refuses any environment but dev, and a dev that is reached from its host only", async () => {
    await stack("staging");
    const refused = await reset("staging");
    assert.equal(refused.exitCode, 3);
    assert.match(all(refused), /is for local and dev only; this is "staging"[^]*NODE_ENV=staging npm run db:restore/);
    const host = { address: "127.0.0.1", port: 22, user: "pipeline", hostKey: "ssh-ed25519 AAAA", instance: "i-1" };
    await stack("dev", { host });
    const behind = await reset("dev");
    assert.equal(behind.exitCode, 3);
    assert.match(all(behind), /"dev" is reached from its host only/);
    assert.deepEqual(await tables(), [{ tablename: "leftover" }]);
  });

  it("empties the database of a dev that is reached from here, and applies every migration, as its owner", async () => {
    assert.equal(
      (await checkout.pulumi(["stack", "rm", "dev", "--yes", "--force", "--preserve-config"], env)).exitCode,
      0,
    );
    await stack("dev");
    const done = await reset("dev");
    assert.equal(done.exitCode, 0, all(done));
    const made = (await tables()).map(({ tablename }) => String(tablename));
    assert.ok(!made.includes("leftover") && made.includes("orders"), made.join(" "));
    const owners = await query(database, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'");
    assert.deepEqual(owners, [{ tableowner: "reset_owner" }]);
  });
});
