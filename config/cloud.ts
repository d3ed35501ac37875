import { z } from "zod";
import { cidrs, networkCidr } from "./ranges.js";
import { publicKey, secretText } from "./values.js";

/** Sections that matter where not everything is on the machine that runs Pulumi. */

/** A machine that is reached by SSH. */
const endpoint = {
  /** Name or address. */
  host: z.string().default(""),
  port: z.int().min(1).max(65535).default(22),
  user: z.string().min(1).default("pipeline"),
  /** Its public host key; another one is refused. */
  hostKey: publicKey.default(""),
  /** Private key of the client, a secret (`npm run keys`). */
  privateKey: secretText.default(""),
};

/** The network that an environment's machines are in. */
export const networkConfig = z.strictObject({
  /** Addresses of the network that the stack makes: from /16 to /26, for it is cut into four subnets. */
  cidr: networkCidr.default("10.42.0.0/24"),
  /** A network that is there already, to be used instead. */
  vpcId: z
    .string()
    .regex(/^(vpc-[0-9a-f]+)?$/, "a network such as vpc-0123456789abcdef0")
    .default(""),
  /** Its subnets for hosts: those with a way to the internet (for packages and AWS's services). */
  hostSubnetIds: z.array(z.string().regex(/^subnet-[0-9a-f]+$/)).default([]),
  /** Its subnets for RDS, in two zones at least. */
  databaseSubnetIds: z.array(z.string().regex(/^subnet-[0-9a-f]+$/)).default([]),
});

/** How the pipeline reaches the host it runs on. */
export const connectionConfig = z.strictObject({
  /** For `existing`, where the pipeline runs on a host; hosts of the stack's own are known. */
  ...endpoint,
  /**
   * Addresses that SSH is let in from: that of the machine which runs Pulumi, and of the CI's runners. Public ranges wider than /16
   * are refused; `internet` lets everybody knock, whom only the key then keeps out.
   */
  from: cidrs.default([]),
  /** The public half of `privateKey`. */
  publicKey: publicKey.default(""),
  /** The private half of `hostKey`, a secret: the host is given it, so that it is known before it exists. */
  hostPrivateKey: secretText.default(""),
  /** A bastion on the way. */
  proxy: z.strictObject(endpoint).optional(),
});

/** Where the stages run. */
export const runnerConfig = z.strictObject({
  /**
   * `here`: on the machine that runs Pulumi; `host`: on a host, by SSH. `byDatabase`: for `ec2` on its host, for `rds` on a small
   * host in its network unless it is public, else here.
   */
  where: z.enum(["byDatabase", "here", "host"]).default("byDatabase"),
  /** Of the small host beside RDS. */
  instanceType: z.string().min(1).default("t4g.micro"),
  /** Its disk, on which dumps lie on their way to the store. */
  diskGiB: z.int().min(8).max(1_024).default(30),
  /**
   * Minutes without work after which that host stops by itself; the next run, or command by hand, starts it. 0: it stays on. Set before
   * the host is made: one that is there is not touched.
   */
  stopAfterMinutes: z.int().min(0).max(1_440).default(0),
});

/** Where the stages of a stack on AWS log to beside its store. */
export const logsConfig = z.strictObject({
  /** Makes a log group of CloudWatch Logs, `/safe-migration/STACK`, that each stage logs to as it goes. */
  cloudWatch: z.boolean().default(false),
  /** How many days a line is kept there, of those that CloudWatch Logs takes. */
  days: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2557, 3653]).default(90),
});

/** From where on CloudWatch tells the topic of a stack on AWS; 0: that is not looked at. */
export const alarmsConfig = z.strictObject({
  enabled: z.boolean().default(true),
  /** Age of the newest backup that a restore has proved, in hours. An update makes one; nothing else does. */
  backupAgeHours: z.int().min(0).default(168),
  /** Use of a disk of the host, or of the storage that RDS was ordered with. */
  diskPercent: z.int().min(0).max(99).default(85),
  /** Over 15 minutes, of the host and of RDS. */
  cpuPercent: z.int().min(0).max(99).default(90),
  /** Of `max_connections`. */
  connectionsPercent: z.int().min(0).max(99).default(80),
  /** How long the oldest finished segment of the log may wait to be archived, in seconds. */
  archiveWaitSeconds: z.int().min(0).default(900),
  /** How far a standby may be behind, in seconds. */
  replicaLagSeconds: z.int().min(0).default(300),
});

/** Which stack's word is taken that a migration was proved. */
export const promotionConfig = z.strictObject({
  /** Name of the stack before this one; empty: none is asked. */
  from: z
    .string()
    .regex(/^[a-z0-9_.-]*$/i, "the name of a stack")
    .default(""),
});

/** Whose backups this stack may be given the data of; see docs/refresh.md. */
export const refreshConfig = z.strictObject({
  /** Name of the stack whose backups they are (`prod`), which this one's host is let read; empty: none. */
  from: z
    .string()
    .regex(/^[a-z0-9_.-]*$/i, "the name of a stack")
    .default(""),
  /** SQL that anonymises the data before anybody can connect to it, relative to `Pulumi.yaml`. */
  anonymise: z.string().min(1).default("prisma/anonymise.sql"),
  /** How old the newest proved backup may be, in hours. */
  maxAgeHours: z.number().positive().default(168),
});

const folderStore = z.strictObject({
  kind: z.literal("folder"),
  /** A folder (relative to `Pulumi.yaml`, or absolute). */
  folder: z.string().min(1).default(".local/backups"),
});

const s3Store = z.strictObject({
  kind: z.literal("s3"),
  /** Name of the bucket that the stack makes; empty: one made from the stack's name. */
  bucket: z
    .string()
    .regex(/^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$/, "3 to 63 lower-case letters, digits, . and -")
    .default(""),
  /** Days for which no version of an object can be removed by anybody (Object Lock, compliance mode is not used); 0: no lock. */
  lockDays: z.int().min(0).max(36_500).default(0),
  /** Days that what was removed or replaced stays. */
  keepRemovedDays: z.int().min(1).max(36_500).default(30),
});

/** Where backups and the evidence of runs go. */
export const storeConfig = z
  .preprocess(
    (value) =>
      typeof value === "object" && value !== null && !("kind" in value) ? { kind: "folder", ...value } : value,
    z.discriminatedUnion("kind", [folderStore, s3Store]),
  )
  .prefault({});
export const storeKinds = { folder: folderStore, s3: s3Store };
