import { z } from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** Where a password is found; never the password itself. */
export const passwordSource = z.discriminatedUnion("from", [
  /** A libpq password file (`host:port:database:user:password`), readable by its owner only. */
  z.strictObject({ from: z.literal("passfile"), path: absolutePath }),
  /** An environment variable of the process that runs the stage. */
  z.strictObject({ from: z.literal("environment"), variable: z.string().min(1) }),
  /**
   * A secret of AWS Secrets Manager, read when a connection is made and kept nowhere: the password as text, or JSON with a field
   * `password`, as RDS writes it. The region is the ARN's.
   */
  z.strictObject({
    from: z.literal("secretsManager"),
    arn: z.string().regex(/^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+$/, "the ARN of a secret"),
  }),
  /** None is asked for: peer authentication over a Unix socket. */
  z.strictObject({ from: z.literal("none") }),
]);
export type PasswordSource = z.infer<typeof passwordSource>;

/** Encryption of the connection. The server's certificate is always verified, with its name: libpq's `verify-full`. */
export const tlsSchema = z.strictObject({
  /** Who may have signed it: the authorities of Amazon RDS, those that this machine trusts, or those in a PEM file. */
  ca: z.union([z.enum(["rds", "system"]), absolutePath]),
});
export type Tls = z.infer<typeof tlsSchema>;

export const databaseSchema = z.strictObject({
  /** Host name, address, or the absolute path of the folder that holds the Unix socket. */
  host: z.string().min(1),
  port: z.int().min(1).max(65535),
  name: z.string().min(1),
  /** The role the pipeline connects as. */
  user: z.string().min(1),
  password: passwordSource,
  /** Absent: none beyond what the server and client agree on by themselves; for Unix sockets and this machine. */
  tls: tlsSchema.optional(),
  /** The role that migrations run as (`SET ROLE`), so that it owns what they create. Default: `user`. */
  migrateAs: z.string().min(1).optional(),
  /**
   * PostgreSQL schema of Prisma's connection (`?schema=` of its URL), in which tables without `@@schema` and Prisma's history
   * are; made by the first migration if it is not there. Default: `public`. Prisma's engine does not escape a double quote.
   */
  schema: z
    .string()
    .regex(/^[^"\0]{1,63}$/, 'at most 63 characters, none of them "')
    .optional(),
  /** Where the server's log is archived, for the machine that the stages run on; absent: nowhere that is known. */
  archive: z
    .strictObject({
      /** pgBackRest's name for it; its configuration is that machine's. */
      stanza: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "letters, digits, - and _"),
    })
    .optional(),
  /** The instance of RDS that it is on, where the stack made it: RDS keeps its log and its snapshots. */
  rds: z
    .strictObject({
      /** Its identifier. */
      instance: z.string().min(1),
      region: z.string().min(1),
      /** Parameter group of instances that are restored from it: its own, but for what would act by itself. */
      copyParameters: z.string().min(1),
    })
    .optional(),
});
export type Database = z.infer<typeof databaseSchema>;

export const projectSchema = z.strictObject({
  /** Prisma schema: a file, or a folder of `.prisma` files. */
  schema: absolutePath,
  /** Prisma's migrations folder. */
  migrations: absolutePath,
  /** A module (bundled JavaScript) whose default export checks the application's data; see `prisma/checks.ts`. */
  checks: absolutePath.optional(),
});
export type Project = z.infer<typeof projectSchema>;
