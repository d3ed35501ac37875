import { z } from "zod";
import { messageOf } from "../errors.js";
import { parseJson } from "../json.js";
import type { Logger } from "../log.js";
import { type ListedBackup, listBackups } from "./listBackups.js";
import type { Store } from "./store.js";

/** Beside a backup's manifest: that it was restored, and held what it was made of. */
export const proofName = "proved.json";

const proofSchema = z.strictObject({
  format: z.literal(1),
  backup: z.string(),
  /** SHA-256 of the manifest whose fingerprints the restored database had: a proof of anything else counts for nothing. */
  manifestSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** When the fingerprints were found equal. */
  at: z.iso.datetime(),
  /** The stage that restored it, and its run. */
  by: z.enum(["rehearse", "restore"]),
  run: z.string(),
  tables: z.int().min(0),
  rows: z.int().min(0),
});
export type Proof = z.infer<typeof proofSchema>;

/**
 * Records that a backup was restored and has the fingerprints of its manifest, which stays as it is. A later proof takes the
 * place of an earlier one.
 *
 * What goes wrong is said and not thrown: the restore that proved the backup was done all the same.
 */
export async function recordProof(
  store: Store,
  environment: string,
  proof: Omit<Proof, "format" | "at">,
  log: Logger,
): Promise<void> {
  const whole: Proof = proofSchema.parse({ format: 1, ...proof, at: new Date().toISOString() });
  try {
    await store.write(pathOf(environment, proof.backup), `${JSON.stringify(whole, null, 2)}\n`);
  } catch (error) {
    log.warn(`that backup ${proof.backup} is proved could not be noted in the store: ${messageOf(error)}`);
  }
}

/** The proof of a backup whose manifest has this checksum; `undefined` where it was never restored, or another one was. */
export async function readProof(
  store: Store,
  environment: string,
  backup: { readonly id: string; readonly manifestSha256: string },
): Promise<Proof | undefined> {
  const text = await store.read(pathOf(environment, backup.id));
  const proof = text === undefined ? undefined : proofSchema.safeParse(parseJson(text)).data;
  return proof?.backup === backup.id && proof.manifestSha256 === backup.manifestSha256 ? proof : undefined;
}

/**
 * The newest complete backup that was proved by a restore: the newest state that is sure to come back.
 *
 * @param wanted leaves others out
 */
export async function newestProved(
  store: Store,
  environment: string,
  wanted: (backup: ListedBackup) => boolean = () => true,
): Promise<{ readonly backup: ListedBackup; readonly proof: Proof } | undefined> {
  for (const backup of await listBackups(store, environment)) {
    if (!wanted(backup)) continue;
    const proof = await readProof(store, environment, backup);
    if (proof !== undefined) return { backup, proof };
  }
  return undefined;
}

function pathOf(environment: string, id: string): string {
  return `${environment}/${id}/${proofName}`;
}
