import { z } from "zod";

/** How a database is known, whatever the URL says. */
export const identitySchema = z.strictObject({
  /** `pg_control_system().system_identifier`: differs between any two clusters that were not copied from each other. */
  systemIdentifier: z.string(),
  database: z.string(),
  serverVersion: z.string(),
});
export type Identity = z.infer<typeof identitySchema>;

/** Rows (estimated, 0 only where there are none) and bytes of a table, by `schema.table`. */
export const tableSizes = z.record(z.string(), z.strictObject({ rows: z.int().min(0), bytes: z.int().min(0) }));
export type TableSizes = z.infer<typeof tableSizes>;
