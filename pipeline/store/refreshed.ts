import { z } from "zod";
import { migrationRef } from "../contracts.js";
import type { Store } from "./store.js";

/** In an environment's folder of the store: the newest refresh of its data, and what had been applied to it. */
const refreshedName = "refreshed.json";

const recordSchema = z.strictObject({
  format: z.literal(1),
  at: z.iso.datetime(),
  /** Whose backup the data is from, and which. */
  source: z.string(),
  backup: z.string(),
  /** The migrations that came with the data. */
  applied: z.array(migrationRef),
});
export type Refreshed = Omit<z.infer<typeof recordSchema>, "format">;

/** Records a refresh, so that a preview, which touches no database, knows what the environment's has since. */
export async function recordRefreshed(store: Store, environment: string, refreshed: Refreshed): Promise<void> {
  await store.write(`${environment}/${refreshedName}`, `${JSON.stringify({ format: 1, ...refreshed }, null, 2)}\n`);
}

/** The newest refresh of an environment's data; `undefined` where there was none. @throws Error where the record is none. */
export async function readRefreshed(store: Store, environment: string): Promise<Refreshed | undefined> {
  const text = await store.read(`${environment}/${refreshedName}`);
  if (text === undefined) return undefined;
  const { format: _, ...refreshed } = recordSchema.parse(JSON.parse(text));
  return refreshed;
}
