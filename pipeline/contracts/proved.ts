import { z } from "zod";

/** The newest backup that was proved by a restore: the newest state that is sure to come back. */
export const provedBackup = z.strictObject({
  id: z.string(),
  /** When it was made, which is what its age is counted from: what was written since then is not in it. */
  made: z.iso.datetime(),
  provedAt: z.iso.datetime(),
  by: z.enum(["rehearse", "restore"]),
});
export type ProvedBackup = z.infer<typeof provedBackup>;
