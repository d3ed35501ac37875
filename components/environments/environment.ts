import type * as pulumi from "@pulumi/pulumi";
import type { Config, Paths, Told } from "../../config.js";
import { isForgiving } from "../../config/forgiving.js";
import type { Database, Project } from "../../pipeline/contracts.js";
import type { StoreAccess } from "../aws/policies.js";
import type { RefreshSource } from "../refreshSource.js";
import type { Runner } from "../runner.js";

export interface EnvironmentArgs {
  /** Name of the environment: the stack's. */
  readonly name: string;
  readonly config: Config;
  readonly paths: Paths;
  /** Identifies the run. */
  readonly run: string;
  /** Whose backups its host is let read; absent: nobody else's. */
  readonly refreshFrom?: RefreshSource;
}

/** What the pipeline needs of an environment, whatever it is made of. */
export interface Environment {
  readonly database: pulumi.Output<Database>;
  /** The Prisma project, as paths where the stages run. */
  readonly project: Project;
  /** URL of the backup store. */
  readonly store: pulumi.Input<string>;
  /** What a role needs to be let use the store, where it is in S3. */
  readonly storeAccess?: pulumi.Output<StoreAccess>;
  readonly runner: Runner;
  /** How people and the application connect; holds no secret. */
  readonly connection: pulumi.Input<unknown>;
  /** What the stack makes for what its pipeline has to say. */
  readonly told?: pulumi.Input<Told>;
  /** Makes what watches the environment between runs, once a run has been verified; absent where nothing does. */
  readonly watch?: (run: pulumi.Output<string>) => void;
  /** How the host that the stages run on is reached by SSH, where they run on one. */
  readonly host?: pulumi.Input<{ address: string; port: number; user: string; hostKey: string; instance: string }>;
}

/**
 * Whether what holds data is protected: Pulumi refuses to delete it, and leaves it in AWS when it leaves the program. Where the
 * configuration does not say, it is where a mistake would cost the data of customers.
 */
export function isProtected({ name, config: { database } }: Pick<EnvironmentArgs, "name" | "config">): boolean {
  const protect = "protect" in database ? database.protect : "byEnvironment";
  return protect === "byEnvironment" ? !isForgiving(name) : protect === "always";
}
