import * as pulumi from "@pulumi/pulumi";
import { stageSettings } from "../../config.js";
import type { Database } from "../../pipeline/contracts.js";
import type { Environment, EnvironmentArgs } from "./environment.js";

/** The environment's database, where the configuration says so once a new and empty one was filled from a backup. */
export function filled(
  { name, run, config }: EnvironmentArgs,
  { database, project, store, runner }: Pick<Environment, "database" | "project" | "store" | "runner">,
): pulumi.Output<Database> {
  const backup = "restoreFrom" in config.database ? config.database.restoreFrom : "";
  if (backup === "") return database;
  const request = { environment: name, run, database, project, store, settings: stageSettings(config), backup };
  const done = runner.stage("database-fill", { stage: "fill", request }, {});
  return pulumi.all([database, done]).apply(([known]) => known);
}
