import assert from "node:assert/strict";
import { CreateSecretCommand, GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Database, PrepareRequest } from "../../pipeline/contracts.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { readEnvironmentMark, readIdentity } from "../../pipeline/postgres/identity.js";
import { readPassword } from "../../pipeline/postgres/password.js";
import { prepare } from "../../pipeline/stages/prepare.js";
import { motoOrSkip, withEnvironment } from "../support/moto.js";
import { testCluster } from "../support/postgres.js";
import { failsWith, maintain, query, quiet } from "./backupFixtures.js";

const as = { applicationName: "test" };

/** RDS as far as SQL shows it: an administrator that is no superuser, and a database that is its own. */
describe("prepare: a new database of a managed server", function () {
  this.timeout(120_000);
  let secrets: SecretsManagerClient;
  let restoreEnvironment = () => undefined as void;
  let admin: Database;
  let applicationSecret: string;
  let request: PrepareRequest;

  const secret = async (name: string, value?: string): Promise<string> => {
    const made = await secrets.send(new CreateSecretCommand({ Name: name, SecretString: value }));
    return made.ARN ?? "";
  };
  const application = async (): Promise<Database> => {
    const { SecretString: text = "" } = await secrets.send(new GetSecretValueCommand({ SecretId: applicationSecret }));
    const { username } = JSON.parse(text) as { username: string };
    return {
      ...admin,
      user: username,
      password: { from: "secretsManager", arn: applicationSecret },
      migrateAs: undefined,
    };
  };

  before(async function () {
    const moto = await motoOrSkip(this);
    secrets = moto.secrets;
    restoreEnvironment = withEnvironment({ ...moto.env, AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.endpoint });
    const cluster = await testCluster();
    const superuser = await cluster.create("managed");
    await maintain(superuser, "CREATE ROLE rds_admin LOGIN CREATEDB CREATEROLE PASSWORD 'p:''x\"'");
    await maintain(superuser, "ALTER DATABASE managed OWNER TO rds_admin");
    const arn = await secret("master", JSON.stringify({ username: "rds_admin", password: "p:'x\"" }));
    admin = { ...superuser, user: "rds_admin", password: { from: "secretsManager", arn } };
    applicationSecret = await secret("application");
    request = { environment: "dev", run: "r1", database: { ...admin, migrateAs: "managed_app" }, applicationSecret };
  });
  after(async () => {
    restoreEnvironment();
    if (admin === undefined) return;
    const cluster = await testCluster();
    await cluster.drop("managed");
    const superuser = cluster.database("postgres");
    await maintain(superuser, "DROP OWNED BY rds_admin; DROP ROLE IF EXISTS managed_app; DROP ROLE rds_admin");
  });

  it("gives it an owner with a password that only the secret knows, and the environment's mark", async () => {
    const result = await prepare(request, quiet);
    assert.equal(result.newPassword, true);
    await withClient(await application(), as, async (client) => {
      assert.equal(await readEnvironmentMark(client), "dev");
      const { rows } = await client.query<{ owner: string }>(
        "SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()",
      );
      assert.equal(rows[0]?.owner, "managed_app");
      await client.query("CREATE TABLE shop (id int)");
    });
    const password = await readPassword((await application()).password, admin);
    assert.ok(!JSON.stringify(result).includes(password ?? "?"), "no secret in the result");
  });

  it("lets the administrator act as the owner, as migrations do, and know the database", async () => {
    await withClient(admin, { ...as, role: "managed_app" }, async (client) => {
      await client.query("ALTER TABLE shop ADD note text");
    });
    assert.equal((await withClient(admin, as, readIdentity)).database, "managed");
  });

  it("marks it beside what its comment says already, once", async () => {
    await query(
      admin,
      "SET ROLE managed_app; COMMENT ON DATABASE managed IS 'The shop''s [safe_migration.environment=dev]'",
    );
    await prepare(request, quiet);
    const [row] = await query<{ comment: string }>(
      admin,
      "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = 'managed'",
    );
    assert.equal(row?.comment, "The shop's [safe_migration.environment=dev]");
  });

  it("lets nobody else in", async () => {
    const [row] = await query<{ may: boolean }>(
      admin,
      "SELECT has_database_privilege('public', current_database(), 'CONNECT') AS may",
    );
    assert.equal(row?.may, false);
  });

  it("run again, changes nothing", async () => {
    const before = await readPassword((await application()).password, admin);
    assert.equal((await prepare({ ...request, run: "r2" }, quiet)).newPassword, false);
    assert.equal(await readPassword((await application()).password, admin), before);
  });

  it("gives a new password where the one it made never got into the secret", async () => {
    applicationSecret = await secret("application-2");
    const result = await prepare({ ...request, applicationSecret }, quiet);
    assert.equal(result.newPassword, true);
    await withClient(await application(), as, (client) => client.query("SELECT 1"));
  });

  it("refuses another environment's database", async () => {
    await assert.rejects(prepare({ ...request, environment: "prod" }, quiet), failsWith("WRONG_ENVIRONMENT"));
  });

  it("says what is wrong with a secret, and never what is in it", async () => {
    const from = (arn: string): Database => ({ ...admin, password: { from: "secretsManager", arn } });
    const none = applicationSecret.replace(/application-2.*/, "none");
    await assert.rejects(
      withClient(from(none), as, readIdentity),
      failsWith("NO_PASSWORD", /secret:none cannot be read \(ResourceNotFoundException/),
    );
    const wrong = await secret("wrong", '{"pass":"hunter2"}');
    await assert.rejects(withClient(from(wrong), as, readIdentity), (error) => {
      failsWith("NO_PASSWORD", /JSON without a field "password"/)(error);
      assert.doesNotMatch(String(error), /hunter2/);
      return true;
    });
    const plain = await secret("plain", "not it");
    await assert.rejects(withClient(from(plain), as, readIdentity), failsWith("AUTHENTICATION"));
    // Text without JSON is a password too, where it is the right one.
    await withClient(from(await secret("right", "p:'x\"")), as, readIdentity);
  });
});
