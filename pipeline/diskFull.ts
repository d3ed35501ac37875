import { PipelineError } from "./errors.js";

/** The file system of a store has no space left. */
export function diskFull(place: string, cause?: unknown): PipelineError {
  return new PipelineError(
    {
      code: "DISK_FULL",
      kind: "failedUnchanged",
      message: `No space is left on the file system of the backup store ${place}.`,
      state:
        "The database was not changed. The half-written backup is not taken for one; complete backups are untouched.",
      next: "Free space there or keep fewer backups (backup.keep), then run the same command.",
    },
    { cause },
  );
}
