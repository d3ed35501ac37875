import { realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import type { StageContext } from "../context.js";
import { serverAccount } from "./account.js";
import { findBinaries } from "./binaries.js";
import { ifThere } from "./files.js";
import { elsewhereFor, findData, homeOf, removePartial } from "./location.js";
import { withDirectoryLock } from "./lock.js";
import { requireOurs } from "./ours.js";
import { type ClusterRecord, readRecord } from "./record.js";
import { runningServer, stopServer } from "./server.js";

export type ClusterStatus =
  | { readonly state: "absent" }
  | { readonly state: "stopped"; readonly record: ClusterRecord }
  | { readonly state: "running"; readonly record: ClusterRecord; readonly pid: number; readonly port: number };

/** @throws PipelineError where what is there is not this tool's own. */
export async function clusterStatus(directory: string): Promise<ClusterStatus> {
  const real = await ifThere(realpath(directory));
  if (real === undefined) return { state: "absent" };
  const [data, record] = [await findData(real), await readRecord(real)];
  if (record === undefined && (data === undefined || data.mark === data.systemIdentifier)) return { state: "absent" };
  const ours = requireOurs(real, { data, record });
  const running = await runningServer(ours.path);
  if (record === undefined) return { state: "absent" };
  return running === undefined ? { state: "stopped", record } : { state: "running", record, ...running };
}

/**
 * Stops the cluster of a directory; its data stays.
 *
 * @returns whether it was running.
 * @throws PipelineError where what is there is not this tool's own, or does not stop.
 */
export async function stopCluster(
  directory: string,
  context: StageContext,
  mode: "fast" | "immediate" = "fast",
): Promise<boolean> {
  const real = await ifThere(realpath(directory));
  if (real === undefined) return false;
  return withDirectoryLock(real, context, async () => {
    const [data, record] = [await findData(real), await readRecord(real)];
    if (data === undefined) return false;
    const account = await serverAccount();
    const ours = requireOurs(real, { data, record, account });
    return stopServer({ data: ours.path, account, binaries: await findBinaries(undefined, ours.major) }, mode);
  });
}

/**
 * Stops the cluster of a directory and removes it with all its data; no directory there is no error.
 *
 * @throws PipelineError where what is there is not this tool's own.
 */
export async function removeCluster(directory: string, context: StageContext): Promise<void> {
  await stopCluster(directory, context);
  const real = await ifThere(realpath(directory));
  if (real === undefined) return;
  await withDirectoryLock(real, context, async () => {
    const home = await homeOf(real, await serverAccount());
    await removePartial(home);
    await rm(join(home, "data"), { recursive: true, force: true });
    for (const name of ["data", "server.log", "cluster.json", "pgpass"]) await rm(join(real, name), { force: true });
    if (home === elsewhereFor(real)) await rm(home, { recursive: true, force: true });
  });
}
