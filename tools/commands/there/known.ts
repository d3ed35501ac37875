import { z } from "zod";
import { databaseSchema } from "../../../pipeline/contracts.js";

/** Where an environment is, as its stack records it (`components/place.ts`, and in its outputs). */
export const knownPlace = z.object({
  database: databaseSchema,
  store: z.string(),
  /** Whose backups its host may read. */
  refreshFrom: z.object({ environment: z.string(), store: z.string() }).optional(),
  /** What the stack made for what its pipeline has to say. */
  told: z.object({ topic: z.string().optional(), logGroup: z.string().optional() }).optional(),
  host: z
    .object({ address: z.string(), port: z.int(), user: z.string(), hostKey: z.string().min(1), instance: z.string() })
    .optional(),
});
export type KnownPlace = z.infer<typeof knownPlace>;
