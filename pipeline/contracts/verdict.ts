import { z } from "zod";
import { backupMethods } from "./physical.js";
import { resultFields, stageRequest } from "./request.js";

export const verdictRequest = stageRequest.extend({
  /** Identifier of the backup that the database is compared with; `newest`: the newest complete one. */
  backup: z.string().default("newest"),
});
export type VerdictRequest = z.infer<typeof verdictRequest>;

/** How a table differs from what it was in the backup, over the columns that it had then. */
export const tableChange = z.strictObject({
  table: z.string(),
  /** `values`: as many rows as before, with other values. */
  change: z.enum(["rows", "values", "columns", "gone", "new"]),
  message: z.string(),
});
export type TableChange = z.infer<typeof tableChange>;

export const written = z.discriminatedUnion("known", [
  z.strictObject({ known: z.literal(true), changes: z.array(tableChange) }),
  z.strictObject({ known: z.literal(false), reason: z.string() }),
]);
export type Written = z.infer<typeof written>;

/** What was seen after a failure, or by hand. */
export const observed = z.strictObject({
  applied: z.array(z.string()),
  pending: z.array(z.string()),
  /** Failed, and not proved to have changed nothing. */
  failed: z.array(z.string()),
  /** Edited after they were applied, or not in the folder. */
  astray: z.array(z.string()),
  /** In what the schema differs from what the applied migrations make; absent where it does not, or was not looked at. */
  drift: z.string().optional(),
  backup: z
    .strictObject({
      id: z.string(),
      made: z.iso.datetime(),
      proved: z.boolean(),
      /** Absent: a dump. */
      method: z.enum(backupMethods).optional(),
      /** Name of the DB snapshot that was made beside it. */
      dbSnapshot: z.string().optional(),
    })
    .optional(),
  /** Applied, and not yet in the backup; in the order in which they were. */
  appliedSince: z.array(z.string()),
  /** Of those, the ones that cannot be taken back by SQL, each with the reason. */
  withoutWayBack: z.array(z.string()),
  written,
  /** The last moment before any of `appliedSince` and `failed` was there; absent where nothing is, or the server's log is not kept. */
  moment: z
    .strictObject({
      at: z.iso.datetime(),
      /** The migration that came then. */
      before: z.string(),
      /** Who keeps the log: this program's archive, or RDS. */
      by: z.enum(["archive", "rds"]),
      /** Why it cannot be gone back to. */
      trouble: z.string().optional(),
    })
    .optional(),
});
export type Observed = z.infer<typeof observed>;

export const actions = [
  "nothing",
  "runAgain",
  "fixAndGoOn",
  "rollBack",
  "restore",
  "restoreSnapshot",
  "restoreMoment",
] as const;
export type Action = (typeof actions)[number];

export const option = z.strictObject({
  action: z.enum(actions),
  possible: z.boolean(),
  /** Why it is not possible, or what is to be known of it. */
  note: z.string().optional(),
  /** What it would lose; empty: nothing. */
  loses: z.array(z.string()),
  command: z.string(),
});
export type Option = z.infer<typeof option>;

export const verdictSchema = z.strictObject({
  verdict: z.enum(actions),
  why: z.string(),
  options: z.array(option),
});
export type Verdict = z.infer<typeof verdictSchema>;

export const verdictResult = z.strictObject({
  ...resultFields,
  stage: z.literal("verdict"),
  ...verdictSchema.shape,
  observed,
});
export type VerdictResult = z.infer<typeof verdictResult>;
