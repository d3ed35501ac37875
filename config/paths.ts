import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Config } from "./sections.js";

/** The paths of a configuration, made absolute from the folder that holds `Pulumi.yaml`. */
export interface Paths {
  readonly root: string;
  /** The local stack's cluster. */
  readonly cluster: string;
  readonly schema: string;
  readonly migrations: string;
  /** Source of the checks module, if there is one. */
  readonly checks: string | undefined;
  /** URL of the backup store, where it is a folder of this machine. */
  readonly folderUrl: string | undefined;
  /** SQL that anonymises the data of another environment's backup. */
  readonly anonymise: string;
  /** Where the pipeline is bundled to. */
  readonly build: string;
}

export function resolvePaths(config: Config, root: string): Paths {
  return {
    root,
    cluster: resolve(root, ".local/cluster"),
    schema: resolve(root, config.project.schema),
    migrations: resolve(root, config.project.migrations),
    checks: config.project.checks === "" ? undefined : resolve(root, config.project.checks),
    folderUrl: config.store.kind === "folder" ? pathToFileURL(resolve(root, config.store.folder)).href : undefined,
    anonymise: resolve(root, config.refresh.anonymise),
    build: resolve(root, ".build"),
  };
}
