import { z } from "zod";

/** A named place in the server's log, to which it can be recovered. */
export const restorePoint = z.strictObject({
  name: z.string(),
  /** Its place in the log. */
  lsn: z.string(),
  /** Its moment, by the server's clock (UTC). */
  at: z.iso.datetime(),
});
export type RestorePoint = z.infer<typeof restorePoint>;
