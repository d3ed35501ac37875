import { z } from "zod";
import { restorePoint } from "./restorePoint.js";

/** How backups are made: by `pg_dump`, or by what keeps the server's own files. */
export const backupMethods = ["dump", "pgbackrest", "snapshot"] as const;

/** A DB snapshot of an instance of RDS. */
const dbSnapshot = {
  /** The instance that it is of, and its region. */
  instance: z.string(),
  region: z.string(),
  /** Its name at RDS. */
  identifier: z.string(),
  /** When it was taken, as RDS says it. */
  taken: z.iso.datetime(),
};
export const dbSnapshotSchema = z.strictObject(dbSnapshot);
export type DbSnapshot = z.infer<typeof dbSnapshotSchema>;

/**
 * Where the data of a backup is that is no dump in the store, and what leads back to it. Beside it lies the same manifest as beside a
 * dump, with the fingerprint of every table, by which the copy that comes back is judged.
 */
export const physicalBackup = z.discriminatedUnion("method", [
  z.strictObject({
    method: z.literal("pgbackrest"),
    /** pgBackRest's name for the server. */
    stanza: z.string(),
    /** Label of the newest base backup that there was; any other from before the restore point does as well. */
    base: z.string(),
    /** The end of the log that makes the copy. */
    restorePoint,
    /**
     * The snapshot of the fingerprints, as `pg_current_snapshot()` prints it, taken just before the restore point: the copy is equal to
     * it where no transaction was committed in between.
     */
    snapshot: z.string(),
    /** Writers were held off for that instant: without it there was always a commit in between. */
    writersHeld: z.boolean(),
    /** Unlogged tables and sequences, which no recovery brings back: `public.cache`. */
    unlogged: z.array(z.string()),
  }),
  /** A DB snapshot of an instance of RDS. */
  z.strictObject({
    method: z.literal("snapshot"),
    ...dbSnapshot,
    /**
     * The snapshot of the fingerprints, as above, which is older: what was committed in between is in the copy, and is told apart there
     * by the numbers of the transactions.
     */
    snapshot: z.string(),
    unlogged: z.array(z.string()),
  }),
]);
export type PhysicalBackup = z.infer<typeof physicalBackup>;
/** One that lies in pgBackRest's archive. */
export type ArchivedBackup = Extract<PhysicalBackup, { method: "pgbackrest" }>;
/** One that RDS keeps. */
export type SnapshotBackup = Extract<PhysicalBackup, { method: "snapshot" }>;
