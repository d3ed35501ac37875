import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PipelineError, messageOf } from "../errors.js";
import { ifThere, writeWhole } from "./files.js";

/** What is known of a cluster that this tool made, in `cluster.json` of its directory. It holds no secret. */
export const clusterRecord = z.strictObject({
  format: z.literal(1),
  /** By which the data is known to be this tool's own. */
  systemIdentifier: z.string().regex(/^\d+$/),
  /** Of the server that made it, e.g. `15.14`. */
  version: z.string().min(1),
  port: z.int().min(1).max(65535),
  /** The machine's account that the server runs as. */
  account: z.string().min(1),
  madeAt: z.iso.datetime(),
  /** Databases that were made, so that one that is gone is missed and not silently made anew. */
  databases: z.record(
    z.string(),
    z.strictObject({ owner: z.string(), environment: z.string(), madeAt: z.iso.datetime() }),
  ),
});
export type ClusterRecord = z.infer<typeof clusterRecord>;

export function recordPath(directory: string): string {
  return join(directory, "cluster.json");
}

/** @throws PipelineError `CLUSTER_RECORD` where the file is there and is not what this tool writes. */
export async function readRecord(directory: string): Promise<ClusterRecord | undefined> {
  const path = recordPath(directory);
  const text = await ifThere(readFile(path, "utf8"));
  if (text === undefined) return undefined;
  try {
    return clusterRecord.parse(JSON.parse(text));
  } catch (error) {
    throw new PipelineError(
      {
        code: "CLUSTER_RECORD",
        kind: "refused",
        message: `${path} is not the record of a local cluster: ${error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)}.`,
        state: "Nothing was changed.",
        next: "Mend or remove that file (without it, the cluster is known again by the mark in its data folder), then run: npm start",
      },
      { cause: error },
    );
  }
}

export async function writeRecord(directory: string, record: ClusterRecord): Promise<void> {
  await writeWhole(recordPath(directory), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o644 });
}
