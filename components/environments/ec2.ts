import { rangesOf } from "../../config/ranges.js";
import { Ec2Postgres } from "../aws/ec2Postgres.js";
import { hostPaths } from "../../config/hostPaths.js";
import { type Environment, type EnvironmentArgs, isProtected } from "./environment.js";
import { noticesOf } from "./notices.js";
import { bucketOf, firstOf, mayReadBackups, networkOf, region } from "./onAws.js";
import { keysOf, runOnHost } from "./runners.js";
import { watching } from "./watch.js";

/** PostgreSQL on a host of EC2, on which the pipeline runs too. */
export async function ec2Environment(args: EnvironmentArgs): Promise<Environment> {
  const { name, config } = args;
  const { database } = config;
  if (database.kind !== "ec2") throw new Error(`not a database on EC2: ${database.kind}`);
  const network = networkOf(args);
  const bucket = bucketOf(args);
  const notices = noticesOf(args, true);
  const postgres = new Ec2Postgres("postgres", {
    environment: name,
    vpcId: network.vpcId,
    subnetId: firstOf(network.hostSubnetIds),
    publicAddress: config.connection.proxy === undefined,
    sshFrom: rangesOf(config.connection.from),
    instanceType: database.instanceType,
    ...(database.imageId === "" ? {} : { imageId: database.imageId }),
    rootGiB: database.rootGiB,
    dataGiB: database.dataGiB,
    recoveryDays: database.recoveryDays,
    database: database.name,
    owner: database.owner,
    schema: database.schema,
    keys: keysOf(config),
    store: bucket.access,
    statements: notices.statements.apply((tells) => [...tells, ...mayReadBackups(args)]),
    region: region(),
    protect: isProtected(args),
  });
  notices.publishedBy(postgres.roleArn);
  const runs = await runOnHost(args, { address: postgres.address, instance: postgres.instanceId, ours: true });
  return {
    ...runs,
    told: notices.told,
    watch: watching(args, {
      ...runs,
      topic: notices.topic,
      database: postgres.database,
      store: bucket.url,
      measuring: { instance: postgres.instanceId, disks: [hostPaths.data, "/"] },
    }),
    database: postgres.database,
    store: bucket.url,
    storeAccess: bucket.access,
    connection: postgres.address.apply((address) => ({ ssh: `${config.connection.user}@${address}` })),
  };
}
