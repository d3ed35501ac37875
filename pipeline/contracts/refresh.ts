import { z } from "zod";
import { resultFields, stageRequest } from "./request.js";

export const refreshRequest = stageRequest.extend({
  /** Whose backups are taken, and the store they are in, which is only read. */
  source: z.strictObject({
    environment: z.string().min(1),
    store: stageRequest.shape.store,
  }),
  /** The SQL that anonymises the data before anybody can connect to it, or why it is left as it is. */
  anonymise: z.union([
    z.strictObject({ file: z.string().min(1), sql: z.string() }),
    z.strictObject({ notBecause: z.string().trim().min(1) }),
  ]),
  /** How old the newest backup that was proved by a restore may be, in hours. */
  maxAgeHours: z.number().positive(),
});
export type RefreshRequest = z.infer<typeof refreshRequest>;

export const refreshResult = z.strictObject({
  ...resultFields,
  stage: z.literal("refresh"),
  /** Whose backup the data comes from. */
  source: z.string(),
  backup: z.string(),
  made: z.iso.datetime(),
  provedAt: z.iso.datetime(),
  /** What was proved of the anonymisation; absent where there was none. */
  anonymised: z
    .strictObject({
      file: z.string(),
      sha256: z.string(),
      /** The declared columns, `schema.table.column`. */
      columns: z.array(z.string()),
      /** Different values that these columns held, none of which is left in its column. */
      values: z.int(),
      /** Other columns with text in them that were searched for those values, and hold none of them. */
      searched: z.int(),
    })
    .optional(),
  /** Why nothing was anonymised. */
  notAnonymised: z.string().optional(),
  /** The database that was there before, under its new name. */
  kept: z.string(),
  /** The SQL that drops it, for when it is no longer needed. */
  dropKept: z.string(),
  tables: z.int(),
  rows: z.int(),
  /** Milliseconds in which no connection could be made: from the first session ended to the new name in place. */
  swapMs: z.int(),
  /** Migrations that came with the data, and those of the folder that it does not have yet. */
  applied: z.int(),
  pending: z.array(z.string()),
});
export type RefreshResult = z.infer<typeof refreshResult>;
