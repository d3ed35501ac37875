import { type BackupResult, type StageRequest, backupResult } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import type { RunNamed } from "./runNamed.js";

/** How old a backup may be, in minutes, to still count as just made for a deploy by hand. */
const freshMinutes = 15;

/**
 * preflight → backup → rehearse → migrate → verify, by hand: the seed's `prisma:migrate:deploy`.
 *
 * @param backup identifier of a backup made just before (`npm run db:backup`), or `newest`; absent: one is made.
 * @returns the result of verify.
 */
export async function deploy(request: StageRequest, backup: string | undefined, run: RunNamed): Promise<unknown> {
  if (backup === undefined) {
    const preflight = await run("preflight", request);
    const made = await run("backup", { ...request, preflight });
    return goOn(request, { preflight, backup: made }, run);
  }
  const made = assertFresh(request, backupResult.parse(await run("find-backup", { ...request, backup })));
  // The stages join the run that made the backup, so that its folder holds the evidence of all.
  const joined = { ...request, run: made.run };
  const preflight = await run("preflight", joined);
  return goOn(joined, { preflight, backup: made }, run);
}

async function goOn(
  request: StageRequest,
  { preflight, backup }: { readonly preflight: unknown; readonly backup: unknown },
  run: RunNamed,
): Promise<unknown> {
  const rehearsal = await run("rehearse", { ...request, preflight, backup });
  const migrate = await run("migrate", { ...request, backup, rehearsal });
  return run("verify", { ...request, preflight, backup, rehearsal, migrate });
}

function assertFresh(request: StageRequest, made: BackupResult): BackupResult {
  const age = (Date.now() - Date.parse(made.at)) / 60_000;
  if (age > freshMinutes) throw unusable(request, made.id, `it is ${Math.round(age)} minutes old`);
  return made;
}

function unusable({ environment }: StageRequest, id: string, reason: string): PipelineError {
  return new PipelineError({
    code: "BACKUP_NOT_FRESH",
    kind: "refused",
    message: `Backup ${id} cannot stand behind this migration: ${reason} (at most ${freshMinutes} minutes, so that little is lost by going back).`,
    state: "Nothing was touched.",
    next: `${npmRun(environment, "prisma:migrate:deploy")} makes its own backup.`,
  });
}
