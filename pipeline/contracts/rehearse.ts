import { z } from "zod";
import { backupResult } from "./backup.js";
import { migrationRef } from "./migration.js";
import { preflightResult } from "./preflight.js";
import { tiers } from "./tiers.js";
import { resultFields, stageRequest } from "./request.js";

export const rehearseRequest = stageRequest.extend({ backup: backupResult, preflight: preflightResult.optional() });
export type RehearseRequest = z.infer<typeof rehearseRequest>;

/** The copy that the backup restored to, equal to what was dumped. */
const restoredCopy = z.strictObject({
  tables: z.int(),
  rows: z.int(),
  /** Size of the copy with its indexes, in bytes. */
  bytes: z.int(),
  /** Checksums, loading (or recovering) and fingerprints, in milliseconds. */
  durationMs: z.int(),
});

const tier = z.enum(tiers);

/** What the copy showed of a migration's risk, against what its file and the database had said. */
export const riskEvidence = z.strictObject({
  /** The tier that preflight's gate went by. */
  asked: tier,
  /** The tier by what was measured. */
  tier,
  verdict: z.enum(["confirmed", "raised", "lowered"]),
  /** What makes it graver than was asked; `line` 0: of the migration as a whole. */
  raises: z.array(z.strictObject({ tier, line: z.int(), message: z.string() })),
  /** Findings that did not come true on this data. The gate asks for them all the same. */
  disproved: z.array(z.string()),
  /** Those that held locks, or ran, the longest. */
  statements: z.array(
    z.strictObject({
      /** 0: the migration as a whole. */
      line: z.int(),
      durationMs: z.int(),
      /** To the end of its transaction, in milliseconds. */
      heldMs: z.int(),
      /** `public.orders AccessExclusiveLock` */
      locks: z.array(z.string()),
      rewrites: z.array(z.string()),
      /** Tables and columns that were there: `public.users.phone`. */
      drops: z.array(z.string()),
    }),
  ),
});
export type RiskEvidence = z.infer<typeof riskEvidence>;

/** A pending migration as it ran on the copy; lists are cut where they are long, the stage's log has all. */
export const rehearsedMigration = migrationRef.extend({
  /** As a whole, in milliseconds: what the real one will probably take on this data. */
  durationMs: z.int(),
  /** What it declares that it does to data, and did: `public.orders.total: values changed in 12 rows`. */
  changes: z.array(z.string()),
  /** Tables whose rows it wrote anew. */
  rewrites: z.array(z.string()),
  /** Locks on tables that were there which readers or writers wait for: `public.orders AccessExclusiveLock`. */
  locks: z.array(z.string()),
  /** What it declares and did not do on this data. */
  unused: z.array(z.string()),
  /** Its risk by what was measured. Absent in results of earlier versions, and where it was not run. */
  evidence: riskEvidence.optional(),
  /** Why it was not committed on the copy, and its `down.sql` not run; absent: it was committed. */
  notCommitted: z
    .strictObject({
      /** It ran in a transaction that was rolled back; `false`: not at all. */
      tried: z.boolean(),
      reason: z.string(),
    })
    .optional(),
  /**
   * Its `down.sql`, run on the copy. `proved`: it leads to the schema before, and keeps all data that was there. `untried`: a newer
   * migration has no way back, or a wrong one; or one of them changes the whole cluster. All but `proved` say why in `problems`.
   */
  down: z
    .strictObject({
      verdict: z.enum(["proved", "absent", "wrong", "untried"]),
      /** SHA-256 of the `down.sql` that was proved. */
      checksum: z.string().optional(),
      durationMs: z.int().optional(),
      problems: z.array(z.string()),
    })
    .optional(),
});
export type RehearsedMigration = z.infer<typeof rehearsedMigration>;

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
    /** In the order in which they were applied; empty where none is pending. */
    migrations: z.array(rehearsedMigration),
  }),
  z.strictObject({
    ...rehearsed,
    /** Nothing was restored: the configuration says so, or nothing is pending and it asks for no rehearsal then. */
    verdict: z.literal("skipped"),
  }),
]);
export type RehearseResult = z.infer<typeof rehearseResult>;
