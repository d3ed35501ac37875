import path from "node:path";
import { type Database, databaseSchema } from "../../pipeline/contracts.js";
import { urlWithoutPassword } from "./databaseUrl.js";

/** Variables by which the runner tells `prisma.config.ts` and the schema engine what to work on. */
export const variables = {
  /** Connection URL without a password. */
  url: "SAFE_MIGRATION_URL",
  /** The database as JSON, with where its password is found. */
  database: "SAFE_MIGRATION_DATABASE",
  environment: "SAFE_MIGRATION_ENVIRONMENT",
  schema: "SAFE_MIGRATION_SCHEMA",
  migrations: "SAFE_MIGRATION_MIGRATIONS",
} as const;

/** What a Prisma command works on. */
export interface PrismaTarget {
  /** `local`, `dev`, `staging`, `prod`. */
  readonly environment: string;
  /** Absent for what needs none: `generate`, `validate`. */
  readonly database?: Database;
  /** URL of the environment's backup store, which knows its database. */
  readonly store?: string;
  readonly project: {
    /** Absolute path of the schema: a file or a folder. */
    readonly schema: string;
    readonly migrations: string;
    /** Folder that holds `prisma.config.ts`; default: this project's. */
    readonly root?: string;
  };
}

/** This project's own folder. */
export const projectRoot = path.resolve(__dirname, "../..");

/** The stand-in for Prisma's native schema engine. */
export const schemaEngineProgram = path.join(__dirname, "schemaEngine.cjs");

/**
 * The environment in which Prisma's own CLI works on `target`, offline: it downloads no engine, sends no telemetry, looks for no
 * update, and finds no `DATABASE_URL` that somebody happens to have set.
 */
export function prismaEnvironment({ environment, database, project }: PrismaTarget): Record<string, string> {
  const ambient = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !poisoned.has(entry[0]),
  );
  return {
    ...Object.fromEntries(ambient),
    PRISMA_SCHEMA_ENGINE_BINARY: schemaEngineProgram,
    PRISMA_ENGINES_CHECKSUM_IGNORE_MISSING: "1",
    CHECKPOINT_DISABLE: "1",
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
    [variables.environment]: environment,
    [variables.schema]: project.schema,
    [variables.migrations]: project.migrations,
    ...(database === undefined
      ? {}
      : { [variables.url]: urlWithoutPassword(database), [variables.database]: JSON.stringify(database) }),
  };
}

/** Names by which other tools would find a database that nobody chose here. */
const poisoned = new Set<string>(["DATABASE_URL", "DIRECT_URL", "SHADOW_DATABASE_URL", ...Object.values(variables)]);

/** The database that the runner resolved, if it started this process. */
export function databaseFromEnvironment(): Database | undefined {
  const text = process.env[variables.database];
  return text === undefined ? undefined : databaseSchema.parse(JSON.parse(text));
}
