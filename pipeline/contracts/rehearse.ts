import { z } from "zod";
import { backupResult } from "./backup.js";
import { preflightResult } from "./preflight.js";
import { resultFields, stageRequest } from "./request.js";

export const rehearseRequest = stageRequest.extend({ backup: backupResult, preflight: preflightResult.optional() });
export type RehearseRequest = z.infer<typeof rehearseRequest>;

/** The copy that the backup restored to, equal to what was dumped. */
const restoredCopy = z.strictObject({
  tables: z.int(),
  rows: z.int(),
  /** Size of the copy with its indexes, in bytes. */
  bytes: z.int(),
  /** Checksums, loading and fingerprints, in milliseconds. */
  durationMs: z.int(),
});

const rehearsed = {
  ...resultFields,
  stage: z.literal("rehearse"),
  backup: z.string(),
  /** SHA-256 of the manifest of the backup that was restored. */
  manifestSha256: z.string(),
  /** One sentence for people, with the figures. */
  summary: z.string(),
};

export const rehearseResult = z.discriminatedUnion("verdict", [
  z.strictObject({
    ...rehearsed,
    verdict: z.literal("proved"),
    restored: restoredCopy,
  }),
  z.strictObject({
    ...rehearsed,
    /** Nothing was restored: the configuration says so, or nothing is pending and it asks for no rehearsal then. */
    verdict: z.literal("skipped"),
  }),
]);
export type RehearseResult = z.infer<typeof rehearseResult>;
