import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { LocalCluster } from "../../pipeline/local/cluster.js";
import { own } from "../support/aws/account.js";
import { type RdsServer, ask, hostServer, makeMaster, rdsServer, shop } from "../support/aws/servers.js";
import { type AwsStandIn, installAwsStandIn } from "../support/aws/standIn.js";
import { Checkout } from "../support/checkout.js";
import { inSteps } from "../support/inSteps.js";
import { motoOrSkip } from "../support/moto.js";
import { discard, temporaryDirectory } from "../support/postgres.js";

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;
const people = "SELECT count(*)::int AS count, sum(hashtextextended(p::text, 0))::text AS sum FROM user_profiles p";

/**
 * docs/aws.md, "Moving to another kind of database": from RDS to a host and on to another RDS, by `pulumi up` and the stage `fill`. Engine,
 * PostgreSQL, SSH and S3's API are real; AWS's control plane is a stand-in, and the hosts are this machine. Each step stands on the one before.
 */
describe("a stack that moves to another kind of database", function () {
  this.timeout(300_000);
  inSteps(this);
  let checkout: Checkout;
  let directory: string;
  let standIn: AwsStandIn;
  let env: Record<string, string>;
  let owned: Awaited<ReturnType<typeof own>>;
  let first: RdsServer;
  let second: RdsServer;
  let host: LocalCluster;
  let values: unknown;

  before(async function () {
    if (process.platform !== "linux") {
      process.stderr.write("      skipped: what hosts are sent is written for Linux, and here they are this machine\n");
      return this.skip();
    }
    const moto = await motoOrSkip(this);
    directory = await temporaryDirectory();
    const at = (name: string) => join(directory, name);
    checkout = await Checkout.make("config: {}\n");
    await mkdir(checkout.path("state"));
    [first, second, host] = await Promise.all([
      rdsServer(at("first")),
      rdsServer(at("second")),
      hostServer(at("host"), at("dev-socket"), "dev"),
    ]);
    standIn = await installAwsStandIn(moto);
    await rdsIsAt(first);
    for (const server of [first, second]) await makeMaster(server, standIn.masterPassword);
    env = {
      ...standIn.env,
      PULUMI_BACKEND_URL: `file://${checkout.path("state")}`,
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
    };
    owned = await own(checkout, env, "dev", directory, moto, first);
  });
  after(async () => {
    await owned?.host.stop();
    await standIn?.remove();
    if (directory !== undefined) await discard(directory);
    if (checkout !== undefined) await rm(checkout.folder, { recursive: true, force: true });
  });

  const rdsIsAt = ({ cluster: { port } }: RdsServer, unprotected = false) =>
    standIn.become({
      unprotected,
      outputs: {
        "aws:ec2/eipAssociation:EipAssociation": { publicIp: "127.0.0.1" },
        "aws:rds/instance:Instance": { address: "127.0.0.1", port },
      },
    });
  const npm = (script: string, ...args: string[]) => checkout.npm(script, ["--stack", "dev", ...args], { env });
  const passes = async (script: string, ...args: string[]) => {
    const result = await npm(script, ...args);
    assert.equal(result.exitCode, 0, all(result));
    return all(result);
  };
  const settings = z.object({ config: z.record(z.string(), z.unknown()) }).loose();
  const describeDatabase = async (database: object) => {
    const path = checkout.path("Pulumi.dev.yaml");
    const file = settings.parse(parse(await readFile(path, "utf8")));
    file.config["safe-migration:database"] = database;
    await writeFile(path, stringify(file));
  };
  const resources = async () => {
    const { deployment } = JSON.parse((await npm("export")).stdout) as {
      deployment: { resources: { type: string }[] };
    };
    return deployment.resources.map(({ type }) => type);
  };

  it("goes from RDS to a host, which is filled with the backup, value by value; what RDS protects stays", async () => {
    await passes("up");
    await ask(
      first.cluster,
      "INSERT INTO user_profiles (email, first_name, last_name) SELECT 'p' || i || '@example.com', 'P', 'Q' FROM generate_series(1, 50) i",
    );
    [values] = await ask(first.cluster, people);
    await passes("db:backup");
    await describeDatabase({ kind: "ec2", restoreFrom: "newest" });
    const moved = await npm("up");
    // All that moves has moved by then; what RDS protects it does not delete.
    assert.notEqual(moved.exitCode, 0, all(moved));
    assert.match(all(moved), /Cannot delete protected DB Instance/);
    assert.match(all(moved), /pipeline-verify/);
    assert.deepEqual(await ask(host, people), [values]);
    assert.deepEqual(await ask(first.cluster, people), [values]);
  });

  it("once the protection of the one that is left is taken off it goes, and nothing happens to what was filled", async () => {
    await ask(host, "INSERT INTO user_profiles (email, first_name, last_name) VALUES ('later@example.com', 'L', 'M')");
    [values] = await ask(host, people);
    await rdsIsAt(first, true);
    const up = await passes("up");
    assert.match(up, /holds \d+ tables: it is left as it is/);
    assert.deepEqual(await ask(host, people), [values]);
    assert.ok(!(await resources()).includes("aws:rds/instance:Instance"));
    assert.match(await passes("db:status"), /applied/);
  });

  it("a backup that is not there fills nothing, and leaves what there was; then it goes to another RDS", async () => {
    await rdsIsAt(second, true);
    const { authorities } = second;
    await describeDatabase({ kind: "rds", authorities, restoreFrom: "20200101T000000000Z-none" });
    const none = await npm("up");
    assert.notEqual(none.exitCode, 0);
    assert.match(all(none), /20200101T000000000Z-none/);
    assert.deepEqual(await ask(host, people), [values]);
    // The newest is that of the last update of the host.
    await describeDatabase({ kind: "rds", authorities, restoreFrom: "newest" });
    await passes("up");
    assert.deepEqual(await ask(second.cluster, people), [values]);
    const [owner] = await ask<{ owner: string }>(
      second.cluster,
      "SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'orders'",
    );
    assert.equal(owner?.owner, shop);
    assert.ok(!(await resources()).includes("aws:ec2/volumeAttachment:VolumeAttachment"));
    // The store knows the database by its server: what was before is another's from now on.
    await describeDatabase({ kind: "rds", authorities });
    assert.match(await passes("health:check"), /healthy/);
  });
});
