import { pipelineUser, postgresMajor } from "./hostPaths.js";
import { nameChecks } from "./nameChecks.js";
import type { Config } from "./sections.js";
import { policyMistake, policyOf } from "../pipeline/gate/policy.js";
import { majorOf, supportedMajors } from "../pipeline/postgres/version.js";

/** What no single value shows. @param region `aws:region` of the stack, if it is set. */
export function crossChecks(stack: string, config: Config, region: unknown): string[] {
  return [
    ...policyChecks(stack, config),
    ...nameChecks(config),
    ...sampleChecks(config),
    ...backupChecks(config),
    ...cloudChecks(stack, config, region),
  ];
}

/** The mistakes among {@link crossChecks} that matter to the risk of its migrations alone. */
export function policyChecks(stack: string, config: Config): string[] {
  const mistake = policyMistake(policyOf(stack, config.risk));
  return mistake === undefined ? [] : [mistake];
}

function sampleChecks({ sample, project, database }: Config): string[] {
  if (!sample.enabled || database.kind !== "local") return [];
  const shipped = project.schema === "prisma/schema.prisma" && project.migrations === "prisma/migrations";
  const problems: string[] = [];
  if (!shipped)
    problems.push(
      "sample.enabled: true, but project.schema or project.migrations names another project; sample data exists for the shipped one only: set sample.enabled to false",
    );
  if (database.schema !== "public")
    problems.push(
      `sample.enabled: true, but sample data is made in the schema public only, and database.schema is "${database.schema}": set sample.enabled to false`,
    );
  return problems;
}

/** Whether there can be backups of the kind that is wanted. */
function backupChecks(config: Config): string[] {
  const { method } = config.backup;
  const { folder, instanceClass } = config.rehearse;
  const copyIs = method === "snapshot" ? "an instance of its own" : "a database beside the original, on its server";
  return [
    ...(folder !== "" && method !== "pgbackrest"
      ? [`rehearse.folder: "${folder}", but with backup.method ${method} the copy is ${copyIs}: leave it out`]
      : []),
    ...(instanceClass !== "" && method !== "snapshot"
      ? [
          `rehearse.instanceClass: "${instanceClass}", but only with backup.method snapshot is the copy an instance of its own: leave it out`,
        ]
      : []),
    ...snapshotBeforeChecks(config),
    ...methodChecks(config),
  ];
}

/** DB snapshots beside dumps. */
function snapshotBeforeChecks({ backup, database }: Config): string[] {
  const { snapshotBefore, method } = backup;
  if (snapshotBefore === "never" || (database.kind === "rds" && method === "dump")) return [];
  return [
    `backup.snapshotBefore: "${snapshotBefore}", but ${method === "snapshot" ? "with backup.method snapshot each backup is a DB snapshot" : `only RDS makes DB snapshots (database.kind is "${database.kind}")`}: leave it out`,
  ];
}

function methodChecks({ backup, database }: Config): string[] {
  if (backup.method === "dump") return [];
  if (backup.method === "snapshot")
    return database.kind === "rds"
      ? []
      : [
          `backup.method: "snapshot", but only RDS makes DB snapshots (database.kind is "${database.kind}"): ${database.kind === "ec2" ? "set it to pgbackrest, which does the same on a host, or to dump" : "leave it out, or set it to dump"}`,
        ];
  if (database.kind !== "ec2")
    return [
      `backup.method: "${backup.method}", but only on the hosts of kind ec2 is the server's log archived where its files can be recovered beside it (database.kind is "${database.kind}"): leave it out, or set it to dump`,
    ];
  return database.recoveryDays > 0
    ? []
    : [
        `backup.method: "${backup.method}", but with database.recoveryDays 0 the server's log is not archived, without which no base backup can be recovered: set it above 0, or the method to dump`,
      ];
}

/** Where the stages of a stack run. */
export function runsOn({ database, runner }: Config): "here" | "host" {
  if (runner.where !== "byDatabase") return runner.where;
  if (database.kind === "ec2") return "host";
  return database.kind === "rds" && database.publicFrom.length === 0 ? "host" : "here";
}

/** Whether the stack makes its database on AWS, and with it what watches it. */
function isMadeOnAws({ database }: Config): boolean {
  return database.kind === "rds" || database.kind === "ec2";
}

/** Of a stack on AWS: its bucket's name has 63 characters at most, of which 23 are not the stack's. */
const longestName = 40;

function cloudChecks(stack: string, config: Config, region: unknown): string[] {
  const { database, store, runner, promotion, refresh } = config;
  const problems: string[] = [];
  const onAws = isMadeOnAws(config) || store.kind === "s3";
  if (onAws && (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(stack) || stack.length > longestName))
    problems.push(
      `stack: "${stack}" is part of the names of a bucket and of snapshots, so it has lower-case letters, digits and single - between them, at most ${longestName}: make another stack, or pulumi stack rename`,
    );
  problems.push(...regionChecks(stack, onAws, isMadeOnAws(config), region));
  if (database.kind === "local" && runner.where === "host")
    problems.push('runner.where: "host", but a local database is on the machine that runs Pulumi: leave it out');
  if (database.kind === "local" && store.kind !== "folder")
    problems.push(
      `store.kind: "${store.kind}", but the backups of a local database go to a folder: leave it out, or name that database as one that is there already (database.kind: existing)`,
    );
  if (database.kind === "ec2" && runner.where === "here")
    problems.push('runner.where: "here", but the PostgreSQL of an EC2 host listens on the host only: leave it out');
  if (runner.stopAfterMinutes > 0 && (database.kind !== "rds" || runsOn(config) !== "host"))
    problems.push("runner.stopAfterMinutes: only the small host beside RDS stops by itself; leave it out");
  if (database.kind === "rds" && database.maxStorageGiB < database.storageGiB)
    problems.push(
      `database.maxStorageGiB: ${database.maxStorageGiB}, less than database.storageGiB (${database.storageGiB})`,
    );
  problems.push(...versionChecks(config), ...networkChecks(config));
  if (store.kind === "folder" && runsOn(config) === "host")
    problems.push(
      'store.kind: "folder", but the pipeline runs on a host, whose disk is no place for backups: set it to s3',
    );
  if (refresh.from === stack) problems.push(`refresh.from: "${stack}" is this stack itself`);
  if (stack === "prod" && refresh.from !== "")
    problems.push('refresh.from: "prod" is never refreshed, its data is the original: leave it out');
  if (config.notify.emails.length > 0 && (!isMadeOnAws(config) || config.notify.sns !== undefined))
    problems.push(
      "notify.emails: this stack makes no SNS topic of its own (stacks of kind rds and ec2 do, unless notify.sns names one): subscribe the addresses to that topic, or leave them out",
    );
  if (config.logs.cloudWatch && !isMadeOnAws(config))
    problems.push(
      "logs.cloudWatch: true, but only stacks of kind rds and ec2 make a log group: leave it out, the log of each run is in the store",
    );
  if (promotion.from === stack) problems.push(`promotion.from: "${stack}" is this stack itself`);
  return [...problems, ...connectionChecks(stack, config)];
}

function regionChecks(stack: string, onAws: boolean, hasHosts: boolean, region: unknown): string[] {
  if (!onAws) return [];
  if (typeof region !== "string" || region === "")
    return [`aws:region: not set; pulumi config set aws:region eu-west-1 --stack ${stack}`];
  if (!/^[a-z]{2,}(-[a-z]+)+-\d$/.test(region)) return [`aws:region: a region such as eu-west-1 (it is "${region}")`];
  if (hasHosts && region.startsWith("cn-"))
    return [
      `aws:region: "${region}", but in China the services that a host asks are under amazonaws.com.cn, which this program does not know: choose a region elsewhere`,
    ];
  return [];
}

/** What the client programs that the pipeline uses can read: those of the host beside RDS are Debian's. */
function versionChecks(config: Config): string[] {
  const { database } = config;
  if (database.kind !== "rds") return [];
  const onHost = runsOn(config) === "host";
  const { from, to } = { ...supportedMajors, ...(onHost ? { to: postgresMajor } : {}) };
  const major = majorOf(database.engineVersion);
  if (major >= from && major <= to) return [];
  return [
    `database.engineVersion: "${database.engineVersion}", but the pipeline works with PostgreSQL ${from} to ${to}${onHost ? `, as its host beside RDS has the client programs of Debian 13 (${postgresMajor})` : ""}`,
  ];
}

function networkChecks(config: Config): string[] {
  const { database, network } = config;
  const { vpcId, hostSubnetIds: hosts, databaseSubnetIds: databases } = network;
  if (!isMadeOnAws(config)) return [];
  if (vpcId === "")
    return [...hosts, ...databases].length === 0
      ? []
      : ["network.vpcId: not set, but subnets are named: name the network that they are in, or leave them out"];
  const problems: string[] = [];
  if (runsOn(config) === "host" && hosts.length === 0)
    problems.push("network.hostSubnetIds: none is named; a network of your own (network.vpcId) needs one for its host");
  if (database.kind !== "rds") return problems;
  // What is reached from outside is in subnets with a way to the internet.
  const [key, named] = database.publicFrom.length > 0 ? ["hostSubnetIds", hosts] : ["databaseSubnetIds", databases];
  if (new Set(named).size < 2)
    problems.push(
      `network.${key}: RDS needs two at least, in different zones${database.publicFrom.length > 0 ? "; where database.publicFrom names addresses, those with a way to the internet" : ""}`,
    );
  return problems;
}

/** What a host's connection needs, each as something the owner has to set. */
function connectionChecks(stack: string, config: Config): string[] {
  const { connection, database } = config;
  if (runsOn(config) !== "host") return [];
  const problems: string[] = [];
  const adopted = database.kind === "existing";
  const keys = adopted
    ? (["privateKey"] as const)
    : (["hostKey", "privateKey", "publicKey", "hostPrivateKey"] as const);
  const missing = keys.filter((key) => connection[key] === "");
  if (missing.length > 0)
    problems.push(
      `connection.${missing.join(", connection.")}: not set; npm run keys -- --stack ${stack} makes ${missing.length === 1 ? "it" : "them"}`,
    );
  if (adopted) {
    if (connection.hostKey === "")
      problems.push(
        "connection.hostKey: not set; it is what that host has in /etc/ssh/ssh_host_ed25519_key.pub, and another one is refused",
      );
    if (connection.host === "") problems.push('connection.host: not set; runner.where is "host", so name that host');
  } else {
    problems.push(...ownHostChecks(config));
    if (connection.from.length === 0)
      problems.push(
        `connection.from: no address is named, so nobody could reach the host; pulumi config set --path 'connection.from[0]' ADDRESS/32 --stack ${stack}`,
      );
  }
  const { proxy } = connection;
  if (proxy !== undefined) {
    const lacks = (["host", "hostKey", "privateKey"] as const).filter((key) => proxy[key] === "");
    if (lacks.length > 0) problems.push(`connection.proxy.${lacks.join(", connection.proxy.")}: not set`);
    // Such a host has no address of its own, and without one only a network with a NAT lets it fetch its packages.
    if (database.kind !== "existing" && config.network.vpcId === "")
      problems.push(
        "connection.proxy: a host behind a bastion has no public address, and the network that this stack makes has neither that bastion in it nor another way to the internet: name the one it is in (network.vpcId, network.hostSubnetIds)",
      );
  }
  return problems;
}

/** A host that this program makes is known to it: another account is let in nowhere, and would be waited for in vain. */
function ownHostChecks({ connection: { host, user } }: Config): string[] {
  const problems: string[] = [];
  if (host !== "")
    problems.push(
      `connection.host: "${host}", but the stack makes its host itself and knows its address: leave it out; a host that is there already is for database.kind existing`,
    );
  if (user !== pipelineUser)
    problems.push(
      `connection.user: "${user}", but a host that the stack makes lets in "${pipelineUser}" only: leave it out`,
    );
  return problems;
}
