import { z } from "zod";
import { passwordSource, tlsSchema } from "../pipeline/contracts.js";
import { cidrs } from "./ranges.js";
import { identifier, schemaName } from "./values.js";

/** What every kind of database has. */
const common = {
  name: identifier.default("happy_baby_style"),
  /** The application's role; owns the database and all that migrations create. */
  owner: identifier.default("happy_baby_style"),
  /** PostgreSQL schema of Prisma's connection (`?schema=` of its URL): tables without `@@schema`, and Prisma's history. */
  schema: schemaName.default("public"),
};

/** `local`: a cluster of the stack's own under `.local/`. */
const local = z.strictObject({
  kind: z.literal("local"),
  ...common,
  /** TCP port on 127.0.0.1; 0: a free one, chosen once and kept. */
  port: z.int().min(0).max(65535).default(0),
});

/** What the kinds have that the stack makes on AWS. */
const made = {
  /**
   * Fills a database that is new and empty: with the newest backup in the stack's store (`newest`), or one by its identifier. For a move
   * to the other kind; see docs/aws.md. Empty: it is left to the migrations.
   */
  restoreFrom: z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/, "newest, or the identifier of a backup")
    .default(""),
  /**
   * Whether Pulumi refuses to delete what holds data (database or volume, host, bucket, keys, log group), and leaves it in AWS when it
   * leaves the program. `byEnvironment`: in every stack but `dev` and `staging`.
   */
  protect: z.enum(["byEnvironment", "always", "never"]).default("byEnvironment"),
};

/** `rds`: Amazon RDS for PostgreSQL. */
const rds = z.strictObject({
  kind: z.literal("rds"),
  ...common,
  ...made,
  /** Decides most of the cost; see docs/cost.md. */
  instanceClass: z
    .string()
    .regex(/^db\.[a-z0-9]+\.[a-z0-9]+$/, "a class such as db.t4g.micro")
    .default("db.t4g.micro"),
  /** Major version, or a minor one of it. */
  engineVersion: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'in quotes, e.g. "17"')
    .default("17"),
  storageGiB: z.int().min(20).max(65_536).default(20),
  /** Up to which the storage grows by itself. */
  maxStorageGiB: z.int().min(20).max(65_536).default(100),
  /** A standby in another zone, which takes over within minutes; doubles the cost. */
  multiAz: z.boolean().default(false),
  /** How many days RDS keeps its own backups, beside those of the pipeline. */
  backupDays: z.int().min(1).max(35).default(7),
  /** Who signs the server's certificate: Amazon's authorities, or those in a PEM file (other partitions than `aws`). */
  authorities: tlsSchema.shape.ca.default("rds"),
  /** Addresses that may reach it from outside its network; none: it is private. As with `connection.from`, not too wide. */
  publicFrom: cidrs.default([]),
});

/** `ec2`: PostgreSQL on a host of EC2, Debian 13, with the application beside it. */
const ec2 = z.strictObject({
  kind: z.literal("ec2"),
  ...common,
  ...made,
  /** Its processor (Graviton or x86) decides the image. */
  instanceType: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9]+$/, "a type such as t4g.small")
    .default("t4g.small"),
  /** Of the data volume; can be made larger, never smaller. */
  dataGiB: z.int().min(10).max(16_384).default(50),
  rootGiB: z.int().min(8).max(1_024).default(16),
  /** Another image than the newest Debian 13, for both to be the same each time. */
  imageId: z
    .string()
    .regex(/^(ami-[0-9a-f]+)?$/, "an image such as ami-0123456789abcdef0")
    .default(""),
  /**
   * How many days one can go back to any moment of (`db:restore:checkpoint --at`), from WAL and base backups in the store's bucket;
   * see docs/hosts.md. 0: the WAL is not archived.
   */
  recoveryDays: z.int().min(0).max(365).default(14),
});

/** `existing`: a database that is there already, of whatever service; see docs/adopt.md. */
const existing = z.strictObject({
  kind: z.literal("existing"),
  ...common,
  /** Name, address, or the folder of its Unix socket, as seen from where the pipeline runs. */
  host: z.string().min(1),
  port: z.int().min(1).max(65535).default(5432),
  /** The role the pipeline connects as. */
  user: z.string().min(1),
  password: passwordSource,
  tls: tlsSchema.optional(),
});

/** The database and where it lives. */
export const databaseConfig = z
  .preprocess(
    // A section that leaves the kind out is that of the local stack.
    (value) =>
      typeof value === "object" && value !== null && !("kind" in value) ? { kind: "local", ...value } : value,
    z.discriminatedUnion("kind", [local, rds, ec2, existing]),
  )
  .prefault({});

export const databaseKinds = { local, rds, ec2, existing };
export type DatabaseConfig = z.infer<typeof databaseConfig>;
