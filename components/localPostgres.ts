import * as pulumi from "@pulumi/pulumi";
import { type Database, type Project, databaseSchema } from "../pipeline/contracts.js";
import type { Runner } from "./runner.js";

export interface LocalPostgresArgs {
  /** Name of the environment, which the database is marked with. */
  readonly environment: string;
  /** Absolute path of the folder the cluster lives in; made if absent, kept on destroy. */
  readonly directory: string;
  /** Database name. */
  readonly database: string;
  /** The application's role; owns the database. */
  readonly owner: string;
  /** PostgreSQL schema of Prisma's connection. @default "public" */
  readonly schema?: string;
  /** TCP port on 127.0.0.1; 0: a free one, chosen once and kept. */
  readonly port: number;
  /** Sample data for the first start; absent: none. */
  readonly sample?: { readonly users: number; readonly orders: number };
  /** The Prisma project whose first migrations the sample data is made on. */
  readonly project: Project;
  /** Changes on each run, so that a cluster that was stopped is started again. */
  readonly run: pulumi.Input<string>;
  readonly runner: Runner;
}

/**
 * A PostgreSQL cluster of the stack's own on this machine, started by a Command and stopped when that is deleted. Its data
 * is never removed by Pulumi.
 */
export class LocalPostgres extends pulumi.ComponentResource {
  /** The database, with where its password is found. */
  readonly database: pulumi.Output<Database>;
  /** How a person connects as the application: URL without password, and the libpq password file (`PGPASSFILE`). */
  readonly connection: pulumi.Output<{ url: string; passfile: string | undefined }>;

  constructor(name: string, args: LocalPostgresArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:index:LocalPostgres", name, {}, options);
    const cluster = args.runner
      .stage(
        `${name}-cluster`,
        {
          stage: "local-start",
          onDelete: "local-stop",
          request: {
            environment: args.environment,
            run: args.run,
            directory: args.directory,
            database: args.database,
            owner: args.owner,
            ...(args.schema === undefined ? {} : { schema: args.schema }),
            port: args.port,
          },
        },
        { parent: this },
      )
      .apply((result) => databaseSchema.parse(result));
    const { sample } = args;
    this.database =
      sample === undefined
        ? cluster
        : args.runner
            .stage(
              `${name}-sample`,
              {
                stage: "local-sample",
                request: {
                  environment: args.environment,
                  run: args.run,
                  database: cluster,
                  project: args.project,
                  users: sample.users,
                  orders: sample.orders,
                },
              },
              { parent: this },
            )
            .apply((result) => databaseSchema.parse(result));
    this.connection = this.database.apply((database) => describeConnection(database));
    this.registerOutputs({ database: this.database, connection: this.connection });
  }
}

function describeConnection({ host, port, name, user, migrateAs, password, schema = "public" }: Database) {
  const role = encodeURIComponent(migrateAs ?? user);
  const query = schema === "public" ? "" : `?schema=${encodeURIComponent(schema)}`;
  return {
    url: `postgresql://${role}@${host}:${port}/${encodeURIComponent(name)}${query}`,
    passfile: password.from === "passfile" ? password.path : undefined,
  };
}
