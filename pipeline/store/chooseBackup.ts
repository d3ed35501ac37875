import { PipelineError } from "../errors.js";
import type { Backups, ListedBackup } from "./listBackups.js";

/** Which backup is wanted. */
export type Wanted =
  | { readonly by: "newest" }
  | { readonly by: "id"; readonly id: string }
  /** The newest that this run made. */
  | { readonly by: "run"; readonly run: string }
  /** The checkpoint of this name; the newest one where none is named. */
  | { readonly by: "checkpoint"; readonly name?: string };

/** What a request says of the backup that it wants, as flags that exclude each other. */
export interface Selection {
  readonly backup: string;
  readonly ofRun?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly at?: string | undefined;
}

/** @throws PipelineError (`usage`) where a request names a backup in two ways. */
export function wantedBy({ backup, ofRun, checkpoint, at }: Selection): Wanted {
  const named = [backup === "newest" ? undefined : backup, ofRun, checkpoint, at].filter((name) => name !== undefined);
  if (named.length > 1)
    throw new PipelineError({
      code: "BACKUP_NAMED_TWICE",
      kind: "usage",
      message: `A backup is named in ${named.length} ways at once (${named.join(", ")}): by its identifier, its run, as a checkpoint or by a moment.`,
      state: "Nothing was touched.",
      next: "Name it in one way, then run the same command.",
    });
  if (ofRun !== undefined) return { by: "run", run: ofRun };
  if (checkpoint !== undefined) return { by: "checkpoint", ...(checkpoint === "newest" ? {} : { name: checkpoint }) };
  return backup === "newest" ? { by: "newest" } : { by: "id", id: backup };
}

/** The wanted one of the complete backups; `undefined` where there is none. */
export function findBackup({ complete }: Pick<Backups, "complete">, wanted: Wanted): ListedBackup | undefined {
  return complete.find(({ id, manifest }) => {
    switch (wanted.by) {
      case "newest":
        return true;
      case "id":
        return id === wanted.id;
      case "run":
        return manifest.run === wanted.run;
      case "checkpoint":
        return manifest.checkpoint !== undefined && [undefined, manifest.checkpoint].includes(wanted.name);
    }
  });
}

/** The wanted backup as a clause: `backup "x"`. */
export function describeWanted(wanted: Wanted): string {
  switch (wanted.by) {
    case "newest":
      return "backup";
    case "id":
      return `backup "${wanted.id}"`;
    case "run":
      return `backup of run "${wanted.run}"`;
    case "checkpoint":
      return wanted.name === undefined ? "checkpoint" : `checkpoint "${wanted.name}"`;
  }
}
