import { z } from "zod";
import type { StageContext } from "../context.js";
import { type Database, databaseSchema, projectSchema } from "../contracts.js";
import { ensureCluster } from "../local/cluster.js";
import { stopCluster } from "../local/stop.js";
import { ensureDatabase } from "../local/database.js";
import { ensureSample } from "../local/sample.js";

/** The stages of the local stack's own cluster: made and started, filled, stopped. */

export const localStartRequest = z.strictObject({
  environment: z.string(),
  run: z.string(),
  /** Folder of the cluster. */
  directory: z.string().startsWith("/"),
  database: z.string(),
  owner: z.string(),
  /** PostgreSQL schema of Prisma's connection; see `databaseSchema`. */
  schema: databaseSchema.shape.schema,
  /** 0: a free one, chosen once and kept. */
  port: z.int(),
});
export type LocalStartRequest = z.infer<typeof localStartRequest>;

/** Makes and starts the cluster and its database, as far as they are not there. */
export async function localStart(request: LocalStartRequest, context: StageContext): Promise<Database> {
  const cluster = await ensureCluster({ directory: request.directory, port: request.port, ...context });
  const { schema } = request;
  const database = await ensureDatabase(cluster, {
    name: request.database,
    owner: request.owner,
    environment: request.environment,
    ...context,
  });
  return schema === undefined ? database : { ...database, schema };
}

/** Stops the cluster. Its data stays; the next start goes on with it. */
export async function localStop(request: LocalStartRequest, context: StageContext): Promise<{ stopped: boolean }> {
  return { stopped: await stopCluster(request.directory, context) };
}

export const localSampleRequest = z.strictObject({
  environment: z.string(),
  run: z.string(),
  database: databaseSchema,
  project: projectSchema,
  users: z.int(),
  orders: z.int(),
});
export type LocalSampleRequest = z.infer<typeof localSampleRequest>;

/** Fills a new database with sample data; leaves one that has data, or had some, as it is. */
export async function localSample(request: LocalSampleRequest, context: StageContext): Promise<Database> {
  const { database, project, users, orders } = request;
  await ensureSample(database, project, { users, orders, ...context });
  return database;
}
