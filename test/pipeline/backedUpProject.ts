import type { BackupResult, Database, StageRequest } from "../../pipeline/contracts.js";
import { backup } from "../../pipeline/stages/backup.js";
import { testCluster } from "../support/postgres.js";
import { apply } from "../support/prismaProjects/apply.js";
import { type TestProject, writeProject } from "../support/prismaProjects/write.js";
import { requestOf } from "../support/stageRequest.js";
import { query, quiet, temporaryStore } from "./backupFixtures.js";

/** What a rehearsal starts from: a database that has a project's migrations, and a backup of it. */
export interface BackedUpProject {
  readonly database: Database;
  readonly project: TestProject;
  /** Of the run that made the backup. */
  readonly base: StageRequest;
  readonly made: BackupResult;
  /** Removes store, project and database. */
  remove(): Promise<void>;
}

export interface BackedUpOptions {
  /** Owner of the database, who runs the migrations. @default "shop" */
  readonly owner?: string;
  /** SQL that is run once the migrations are applied, as the cluster's superuser. */
  readonly fill?: string;
  readonly settings?: object;
}

/** @param init the one migration that is applied, `1_init` */
export async function backedUpProject(
  name: string,
  init: string,
  { owner = "shop", fill = "", settings = {} }: BackedUpOptions = {},
): Promise<BackedUpProject> {
  const store = await temporaryStore();
  const project = await writeProject({ "1_init": init });
  const database = await (await testCluster()).create(name, { owner });
  await apply(database, project, "1_init");
  await query(database, fill);
  const base = requestOf({ database, project, store }, { settings });
  const made = await backup(base, quiet);
  const remove = async () => {
    await store.remove();
    await project.remove();
    await (await testCluster()).drop(name);
  };
  return { database, project, base, made, remove };
}
