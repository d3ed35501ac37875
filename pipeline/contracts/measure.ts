import { z } from "zod";
import { resultFields, stageRequest } from "./request.js";

/** What a host measures every few minutes. */
export const measureRequest = stageRequest.omit({ settings: true }).extend({
  /** Mount points whose space is measured, on the machine that the stage runs on. */
  disks: z.array(z.string().startsWith("/")).default([]),
  /** Where the figures are put as metrics of CloudWatch; absent: nowhere. */
  cloudWatch: z.strictObject({ namespace: z.string().min(1), region: z.string().min(1) }).optional(),
  /** A file that they are written to in the OpenMetrics text format, for node_exporter's textfile collector. */
  textfile: z.string().startsWith("/").optional(),
  /** A file that this request is written to, from which the host's timer measures again. */
  keepRequest: z.string().startsWith("/").optional(),
});
export type MeasureRequest = z.infer<typeof measureRequest>;

const used = z.strictObject({ used: z.number(), of: z.number() });

/** What the server says of itself. */
export const serverFigures = z.strictObject({
  /** Sessions of clients, and `max_connections`. */
  connections: used,
  /** How long the oldest finished segment of the log has waited to be archived, in seconds; absent where none is archived or it may not be asked. */
  archiveWaitSeconds: z.number().optional(),
  /** How far the slowest standby is behind, in seconds; absent where there is none. */
  replicaLagSeconds: z.number().optional(),
  migrations: z.strictObject({ applied: z.int(), pending: z.int(), failed: z.int() }),
});
export type ServerFigures = z.infer<typeof serverFigures>;

export const backupFigures = z.strictObject({
  complete: z.int(),
  damaged: z.int(),
  /** When the newest complete one was made, and the newest that a restore has proved; absent where there is none. */
  newest: z.string().optional(),
  proved: z.string().optional(),
});
export type BackupFigures = z.infer<typeof backupFigures>;

/** What could not be measured is absent, and said in the log. */
export const measureResult = z.strictObject({
  stage: z.literal("measure"),
  ...resultFields,
  /** Absent where the server does not answer, or is not this environment's. */
  server: serverFigures.optional(),
  /** Absent where the store cannot be read. */
  backups: backupFigures.optional(),
  /** Bytes, by mount point. */
  disks: z.record(z.string(), used),
});
export type MeasureResult = z.infer<typeof measureResult>;
