import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { ensureSample } from "../../pipeline/local/sample.js";
import { silent } from "../../pipeline/log.js";
import { backup } from "../../pipeline/stages/backup.js";
import { restore } from "../../pipeline/stages/restore.js";
import { testCluster } from "./postgres.js";
import { requestOf } from "./stageRequest.js";

/** As a stage's own; nobody listens. */
const context = { log: silent, signal: new AbortController().signal };

/**
 * A backup `taken` of a shop that is prod's, proved by a restore, in a store.
 *
 * @param project as it is shipped: sample data is made up to its last migration.
 */
export async function backupOfProd(
  store: string,
  project: { readonly schema: string; readonly migrations: string },
  size: { readonly users: number; readonly orders: number },
): Promise<void> {
  const cluster = await testCluster();
  const [name, proof] = ["of_prod", "of_prod_proof"];
  try {
    const database = await cluster.create(name, { owner: "happy_baby_style" });
    const upTo = (await readMigrations(project.migrations)).migrations.at(-1)?.name;
    await ensureSample(database, project, { ...size, ...context, ...(upTo === undefined ? {} : { upTo }) });
    const base = requestOf({ database, project, store: { url: store } }, { environment: "prod", run: "taken" });
    await backup(base, context);
    await restore({ ...base, backup: "taken", into: proof }, context);
  } finally {
    for (const each of [name, proof]) await cluster.drop(each);
  }
}
