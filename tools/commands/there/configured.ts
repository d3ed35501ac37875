import { runsOn } from "../../../config.js";
import { existingDatabase } from "../../../config/existing.js";
import type { Target } from "../target.js";
import type { KnownPlace } from "./known.js";

/**
 * What the configuration says of where an environment is: of a database that is there already (`database.kind: existing`) all, but for the
 * bucket that its stack makes for its backups. So it may be mended there without an update, which was refused for it, in between.
 */
export function configuredPlace({ config, paths }: Target): Partial<KnownPlace> {
  const { database, connection } = config;
  if (database.kind !== "existing") return {};
  const { host: address, port, user, hostKey } = connection;
  return {
    database: existingDatabase(database),
    ...(paths.folderUrl === undefined ? {} : { store: paths.folderUrl }),
    ...(runsOn(config) === "here" ? {} : { host: { address, port, user, hostKey, instance: address } }),
  };
}
