import { z } from "zod";

export const migrationRef = z.strictObject({
  name: z.string(),
  /** SHA-256 of `migration.sql`, as Prisma records it. */
  checksum: z.string(),
});
export type MigrationRef = z.infer<typeof migrationRef>;

/** A person's word for one version of one migration. */
export const approvalSchema = z.strictObject({
  migration: z.string().min(1),
  /** SHA-256 of the `migration.sql` that was looked at: an edited file loses its approval. */
  checksum: z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 in hexadecimal digits; npm run approve writes it"),
  /** The highest tier that it answers for. */
  tier: z.enum(["risky", "dangerous"]),
  by: z.string().min(1),
  at: z.iso.datetime({ offset: true }),
  reason: z.string().min(1).optional(),
});
export type Approval = z.infer<typeof approvalSchema>;
