import * as pulumi from "@pulumi/pulumi";
import { runsOn } from "../../config.js";
import { existingDatabase } from "../../config/existing.js";
import type { Environment, EnvironmentArgs } from "./environment.js";
import { folderOrThrow } from "./here.js";
import { bucketOf } from "./onAws.js";
import { runHere, runOnHost } from "./runners.js";

/** A database that is there already: nothing of it is made or changed but what migrations change. */
export async function existingEnvironment(args: EnvironmentArgs): Promise<Environment> {
  const { config, paths } = args;
  const { database, store, connection } = config;
  if (database.kind !== "existing") throw new Error(`not an existing database: ${database.kind}`);
  const { host, port, name, owner } = database;
  const bucket = store.kind === "s3" ? bucketOf(args) : undefined;
  const runs =
    runsOn(config) === "here"
      ? await runHere(args)
      : await runOnHost(args, { address: connection.host, instance: connection.host, ours: false });
  return {
    ...runs,
    database: pulumi.output(existingDatabase(database)),
    store: bucket?.url ?? folderOrThrow(paths),
    ...(bucket === undefined ? {} : { storeAccess: bucket.access }),
    connection: { url: `postgresql://${encodeURIComponent(owner)}@${host}:${port}/${encodeURIComponent(name)}` },
  };
}
