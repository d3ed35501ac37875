import { z } from "zod";

/** A statement of the application, from `pg_stat_statements`; its constants are left out. */
export const statementSeen = z.strictObject({
  /** `queryid`, a 64-bit number as text. */
  id: z.string(),
  query: z.string(),
  calls: z.int(),
  /** Time of all calls together, in milliseconds. */
  totalMs: z.number(),
});
export type StatementSeen = z.infer<typeof statementSeen>;
