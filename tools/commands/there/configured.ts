import { join } from "node:path";
import { z } from "zod";
import { runsOn } from "../../../config.js";
import { existingDatabase } from "../../../config/existing.js";
import type { Database } from "../../../pipeline/contracts.js";
import { run } from "../../../pipeline/process.js";
import { readStackFile } from "../../stack/stackFile.js";
import type { Place } from "../../stack/workspace.js";
import type { Target } from "../target.js";

/** Where an environment is, as far as its configuration says so. */
export interface Configured {
  readonly database: Database;
  readonly store: string;
  readonly host?: {
    readonly address: string;
    readonly port: number;
    readonly user: string;
    readonly hostKey: string;
    readonly instance: string;
  };
}

const state = z.object({
  deployment: z.object({
    resources: z.array(z.object({ type: z.string(), id: z.string().optional() })).optional(),
  }),
});

/**
 * Where a database that is there already (`database.kind: existing`) is, before its stack's first update has succeeded: what it is refused
 * for may be what a command by hand is to mend (docs/adopt.md, 3).
 *
 * @returns `undefined` for every other kind, and where the bucket that its backups go to was not made yet.
 */
export async function configuredPlace(
  { config, paths, environment }: Target,
  place: Place,
): Promise<Configured | undefined> {
  const { database, connection } = config;
  if (database.kind !== "existing") return undefined;
  const store = paths.folderUrl ?? (await bucketUrl(paths.root, environment, place));
  if (store === undefined) return undefined;
  const known = { database: existingDatabase(database), store };
  if (runsOn(config) === "here") return known;
  const { host: address, port, user, hostKey } = connection;
  return { ...known, host: { address, port, user, hostKey, instance: address } };
}

/** URL of the store in the bucket that a stack has made, from its state. */
async function bucketUrl(root: string, stack: string, { workDir, env }: Place): Promise<string | undefined> {
  const exported = await run("pulumi", ["stack", "export", "--stack", stack, "--non-interactive"], {
    cwd: workDir,
    env,
  });
  if (exported.exitCode !== 0) return undefined;
  const { deployment } = state.parse(JSON.parse(exported.stdout));
  const bucket = deployment.resources?.find(({ type }) => type === "aws:s3/bucket:Bucket")?.id;
  const region = readStackFile(join(root, `Pulumi.${stack}.yaml`)).config?.["aws:region"];
  return bucket === undefined || typeof region !== "string" ? undefined : `s3://${bucket}/backups?region=${region}`;
}
