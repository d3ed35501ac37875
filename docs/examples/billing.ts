import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { BackupBucket } from "../../components/aws/backupBucket.js";
import { Ec2Postgres } from "../../components/aws/ec2Postgres.js";
import { Network } from "../../components/aws/network.js";
import { RdsPostgres } from "../../components/aws/rdsPostgres.js";
import { RunnerHost } from "../../components/aws/runnerHost.js";
import { hostReady } from "../../components/hostReady.js";
import { MigrationPipeline } from "../../components/migrationPipeline.js";
import { RemoteRunner } from "../../components/remoteRunner.js";
import { settingsSchema } from "../../pipeline/contracts.js";
import { newRunId } from "../../pipeline/runId.js";
import { hostBundle, hostProject } from "../../tools/build/hostBundle.js";

/**
 * A program of somebody else's, `billing`, that makes its own PostgreSQL on a host and an RDS for its reports, and has the first
 * migrated with proof. Its Prisma project is the sample here.
 */
export = async (): Promise<Record<string, pulumi.Output<unknown>>> => {
  const environment = pulumi.getStack();
  const config = new pulumi.Config();
  const region = new pulumi.Config("aws").require("region");
  const sshFrom = config.requireObject<string[]>("from");
  // As npm run keys makes them; the private halves are secrets of the stack.
  const keys = {
    publicKey: config.require("publicKey"),
    hostKey: config.require("hostKey"),
    hostPrivateKey: config.requireSecret("hostPrivateKey"),
  };

  const network = new Network("billing", { cidr: "10.60.0.0/24" });
  const backups = new BackupBucket("billing-backups", { lockDays: 7, protect: true });
  const subnetId = pulumi.output(network.hostSubnetIds).apply(([first = ""]) => first);
  const place = { environment, vpcId: network.vpcId, subnetId, sshFrom, keys, region };
  const postgres = new Ec2Postgres("billing", {
    ...place,
    database: "billing",
    owner: "billing",
    store: backups.access,
    protect: true,
  });

  const reports = new RdsPostgres("reports", {
    environment,
    vpcId: network.vpcId,
    subnetIds: network.databaseSubnetIds,
    database: "reports",
    owner: "reports",
  });
  const reportsRunner = new RunnerHost("reports-runner", {
    ...place,
    store: new BackupBucket("reports-backups").access,
    statements: reports.statements,
  });
  reports.letIn("from-runner", reportsRunner.securityGroupId);

  const connection = {
    host: postgres.address,
    hostKey: keys.hostKey,
    privateKey: config.requireSecret("privateKey"),
  };
  const root = resolve(__dirname, "../..");
  const prisma = {
    root,
    build: join(root, ".build"),
    schema: join(root, "prisma/schema.prisma"),
    migrations: join(root, "prisma/migrations"),
    checks: undefined,
  };
  const runner = new RemoteRunner("billing-runner", {
    connection,
    instance: postgres.instanceId,
    bundle: await hostBundle(prisma),
    ready: hostReady("billing-ready", { connection, instance: postgres.instanceId }).stdout,
  });
  const pipeline = new MigrationPipeline("billing-migrations", {
    environment,
    run: newRunId(),
    database: postgres.database,
    project: await hostProject(prisma),
    store: backups.url,
    settings: settingsSchema.parse({ backup: { keep: 30 }, preflight: {}, migrate: {}, application: { process: "" } }),
    runner,
  });
  return { store: backups.url, migrations: pipeline.verify.migrations, reports: reports.database };
};
