import type { Environment, EnvironmentArgs } from "./environment.js";
import { Place } from "../place.js";
import { filled } from "./filled.js";
import { localEnvironment } from "./local.js";

export type { Environment, EnvironmentArgs } from "./environment.js";

/**
 * Makes the environment that the configuration describes. What is made of AWS is loaded only where there is some: it takes a
 * second.
 */
export async function makeEnvironment(args: EnvironmentArgs): Promise<Environment> {
  const made = await make(args);
  const { config, refreshFrom } = args;
  // Where a local one is, its folder says.
  if (config.database.kind !== "local")
    new Place("place", {
      ...made,
      ...(refreshFrom === undefined
        ? {}
        : { refreshFrom: { environment: refreshFrom.environment, store: refreshFrom.store } }),
    });
  return { ...made, database: filled(args, made) };
}

async function make(args: EnvironmentArgs): Promise<Environment> {
  switch (args.config.database.kind) {
    case "local":
      return localEnvironment(args);
    case "rds":
      return (await import("./rds.js")).rdsEnvironment(args);
    case "ec2":
      return (await import("./ec2.js")).ec2Environment(args);
    case "existing":
      return (await import("./existing.js")).existingEnvironment(args);
  }
}
