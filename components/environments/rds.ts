import * as pulumi from "@pulumi/pulumi";
import { runsOn } from "../../config.js";
import { rangesOf } from "../../config/ranges.js";
import { RdsPostgres } from "../aws/rdsPostgres.js";
import { RunnerHost } from "../aws/runnerHost.js";
import { hostStarted } from "../hostStarted.js";
import { type Environment, type EnvironmentArgs, isProtected } from "./environment.js";
import { noticesOf } from "./notices.js";
import { bucketOf, firstOf, mayReadBackups, networkOf, region } from "./onAws.js";
import { keysOf, runHere, runOnHost } from "./runners.js";
import { watching } from "./watch.js";

/** Amazon RDS, with the pipeline on a small host in its network, or here where the database is public. */
export async function rdsEnvironment(args: EnvironmentArgs): Promise<Environment> {
  const { name, config, run } = args;
  const { database, runner: place } = config;
  const here = runsOn(config) === "here";
  if (database.kind !== "rds") throw new Error(`not a database of RDS: ${database.kind}`);
  const network = networkOf(args);
  const bucket = bucketOf(args);
  const notices = noticesOf(args, !here);
  const postgres = new RdsPostgres("postgres", {
    environment: name,
    vpcId: network.vpcId,
    subnetIds: database.publicFrom.length > 0 ? network.hostSubnetIds : network.databaseSubnetIds,
    database: database.name,
    owner: database.owner,
    schema: database.schema,
    instanceClass: database.instanceClass,
    engineVersion: database.engineVersion,
    storageGiB: database.storageGiB,
    maxStorageGiB: database.maxStorageGiB,
    multiAz: database.multiAz,
    backupDays: database.backupDays,
    snapshots: config.backup.method === "snapshot" || config.backup.snapshotBefore !== "never",
    authorities: database.authorities,
    publicFrom: rangesOf(database.publicFrom),
    protect: isProtected(args),
  });
  const { reached, watched, ...runs } = here
    ? { ...(await runHere(args)), reached: postgres.database, watched: {} }
    : await onRunnerHost();
  const prepared = runs.runner.stage(
    "database-prepare",
    {
      stage: "prepare",
      request: {
        environment: name,
        run,
        database: reached,
        applicationSecret: postgres.applicationSecretArn,
      },
    },
    {},
  );
  // Only once it is prepared.
  const made = pulumi.all([postgres.database, prepared]).apply(([known]) => known);
  return {
    ...runs,
    told: notices.told,
    watch: watching(args, {
      ...runs,
      topic: notices.topic,
      database: made,
      store: bucket.url,
      rds: { instance: postgres.identifier, storageGiB: database.storageGiB },
      ...watched,
    }),
    database: made,
    store: bucket.url,
    storeAccess: bucket.access,
    connection: pulumi
      .all([postgres.database, postgres.applicationSecretArn])
      .apply(([{ host, port, name: databaseName }, passwordSecret]) => ({
        url: `postgresql://${database.owner}@${host}:${port}/${databaseName}?sslmode=verify-full`,
        passwordSecret,
      })),
  };

  async function onRunnerHost() {
    const host = new RunnerHost("runner-host", {
      environment: name,
      vpcId: network.vpcId,
      subnetId: firstOf(network.hostSubnetIds),
      instanceType: place.instanceType,
      diskGiB: place.diskGiB,
      stopAfterMinutes: place.stopAfterMinutes,
      publicAddress: config.connection.proxy === undefined,
      sshFrom: rangesOf(config.connection.from),
      keys: keysOf(config),
      store: bucket.access,
      statements: pulumi
        .all([postgres.statements, notices.statements])
        .apply(([database, tells]) => [...database, ...tells, ...mayReadBackups(args)]),
      region: region(),
    });
    notices.publishedBy(host.roleArn);
    const letIn = postgres.letIn("from-runner", host.securityGroupId);
    const { address, instanceId: instance } = host;
    const stops = place.stopAfterMinutes > 0;
    const started = stops ? { started: startedBy(args, instance) } : {};
    const runs = await runOnHost(args, { address, instance, ours: true, ...started });
    const reached = pulumi.all([postgres.database, letIn]).apply(([database]) => database);
    // One that is not there for most of the time measures nothing, and an alarm would miss it.
    return { ...runs, reached, watched: stops ? {} : { measuring: { instance, disks: ["/"] } } };
  }
}

/** Known once the host beside RDS, which stops by itself, runs for this run. */
function startedBy({ paths, run }: EnvironmentArgs, instance: pulumi.Output<string>): pulumi.Output<string> {
  const profile = new pulumi.Config("aws").get("profile");
  return hostStarted("runner-start", {
    ...{ instance, region: region(), run, root: paths.root },
    ...(profile === undefined ? {} : { profile }),
  });
}
