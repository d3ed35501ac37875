import type { Database, Project } from "../../pipeline/contracts.js";
import type { CommandFlags } from "./arguments.js";
import type { PrismaTarget } from "./environment.js";

/** What a command on a database works with. */
export interface CommandContext {
  readonly environment: string;
  readonly database: Database;
  readonly project: Pick<Project, "schema" | "migrations">;
  readonly target: PrismaTarget;
  readonly flags: CommandFlags;
}
