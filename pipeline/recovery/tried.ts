import { z } from "zod";
import { fingerprintsSchema } from "../postgres/fingerprints.js";
import type { Store } from "../store/store.js";

/** In an environment's folder of the store: when the server was last recovered from its archive. */
const triedName = "recovery.json";

const triedSchema = z.strictObject({
  format: z.literal(1),
  /** When it was done. */
  at: z.iso.datetime(),
  /** The moment that was gone to. */
  moment: z.iso.datetime({ offset: true }),
  /** Label of the base backup that it began with. */
  base: z.string(),
  /** From the archive to a database with equal fingerprints, in milliseconds. */
  durationMs: z.int(),
  /** Of the database as it was then, by which it is known whether it is in place. Absent in records of earlier versions. */
  fingerprints: fingerprintsSchema.optional(),
});
export type Tried = z.infer<typeof triedSchema>;

export function recordTried(store: Store, environment: string, tried: Omit<Tried, "format">): Promise<void> {
  return store.write(`${environment}/${triedName}`, `${JSON.stringify({ format: 1, ...tried })}\n`);
}

/** The last recovery; `undefined` where there was none that is known of. */
export async function readTried(store: Store, environment: string): Promise<Tried | undefined> {
  const text = await store.read(`${environment}/${triedName}`);
  if (text === undefined) return undefined;
  try {
    return triedSchema.parse(JSON.parse(text));
  } catch {
    // Not what this program writes: as good as none, and written anew by the next recovery.
    return undefined;
  }
}

/** From this age on a recovery says little of the archive of today, in days. */
const oldDays = 31;

/** Why it is not known that the archive recovers; `undefined` where it was tried not long ago. */
export function describeUntried(tried: Tried | undefined, now: Date): string | undefined {
  if (tried === undefined) return "the server was never recovered from its archive: whether it can be is not known";
  const days = Math.floor((now.getTime() - Date.parse(tried.at)) / 86_400_000);
  return days < oldDays ? undefined : `the server was last recovered from its archive ${days} days ago`;
}
