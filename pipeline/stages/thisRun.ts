import type { BackupResult, MigrationRef, RehearseResult, StageRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";

/** @throws PipelineError where another run made the backup: what was written since then would be lost by going back. */
export function assertThisRunsBackup(request: StageRequest, backup: BackupResult): void {
  if (backup.run === request.run && backup.environment === request.environment) return;
  throw new PipelineError({
    code: "NOT_THIS_RUNS_BACKUP",
    kind: "refused",
    message: `Backup ${backup.id} was made by run ${backup.run} of "${backup.environment}", not by run ${request.run} of "${request.environment}".`,
    state: "Nothing was touched.",
    next: "Run the whole pipeline again: it makes a backup and hands it on.",
  });
}

/** @throws PipelineError where the rehearsal is another run's, was of another backup, or was left out although it is wanted. */
export function assertThisRunsRehearsal(request: StageRequest, backup: BackupResult, rehearsal: RehearseResult): void {
  if (rehearsal.run !== request.run || rehearsal.environment !== request.environment) {
    throw refused(
      "NOT_THIS_RUNS_REHEARSAL",
      `The rehearsal was run ${rehearsal.run} of "${rehearsal.environment}", not run ${request.run} of "${request.environment}".`,
    );
  }
  if (rehearsal.backup !== backup.id || rehearsal.manifestSha256 !== backup.manifestSha256) {
    throw refused(
      "OTHER_BACKUP_REHEARSED",
      `The rehearsal restored backup ${rehearsal.backup} (manifest ${rehearsal.manifestSha256.slice(0, 12)}), ` +
        `not ${backup.id} (manifest ${backup.manifestSha256.slice(0, 12)}).`,
    );
  }
  if (rehearsal.verdict === "skipped" && request.settings.rehearse.mode === "always") {
    throw refused("NOT_REHEARSED", `There was no rehearsal (${rehearsal.summary}), and the configuration wants one.`);
  }
}

/** @throws PipelineError where a migration is to be applied that the rehearsal did not try in this version. */
export function assertRehearsed(rehearsal: RehearseResult, pending: readonly MigrationRef[]): void {
  if (rehearsal.verdict === "skipped") return;
  const tried = new Map(rehearsal.migrations.map(({ name, checksum }) => [name, checksum]));
  const others = pending.filter(({ name, checksum }) => tried.get(name) !== checksum).map(({ name }) => name);
  if (others.length === 0) return;
  throw refused(
    "NOT_WHAT_WAS_REHEARSED",
    `Pending migrations were not rehearsed as they are now: ${others.join(", ")}. They were added or edited since.`,
  );
}

function refused(code: string, message: string): PipelineError {
  return new PipelineError({
    code,
    kind: "refused",
    message,
    state: "Nothing was touched.",
    next: "Run the whole pipeline again: it rehearses on its own backup and hands the result to migrate.",
  });
}
