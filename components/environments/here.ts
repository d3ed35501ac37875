import type { Paths } from "../../config.js";
import type { Project } from "../../pipeline/contracts.js";
import type { Bundle } from "../../tools/build/bundle.js";

/** The project as stages on this machine find it. */
export function localProject(paths: Paths, bundle: Bundle): Project {
  return {
    schema: paths.schema,
    migrations: paths.migrations,
    ...(bundle.checks === undefined ? {} : { checks: bundle.checks }),
  };
}

/** The folder that backups go to, where the configuration names one. */
export function folderOrThrow({ folderUrl }: Paths): string {
  if (folderUrl === undefined) throw new Error("the configured store is not a folder");
  return folderUrl;
}
