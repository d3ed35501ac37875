import type { StageContext } from "../context.js";
import type { RecoverRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { describeWanted, findBackup, wantedBy } from "../store/chooseBackup.js";
import { scanBackups } from "../store/listBackups.js";
import type { Manifest } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { noBackup, verifyBackup } from "../store/verifyBackup.js";
import { lookBefore } from "./recover.js";
import { stanzaOf } from "./stanza.js";
import { readTried } from "./tried.js";

/** What a recovery goes back to. */
export interface GoingBackTo {
  /** The backup's identifier; of a moment, the label of the base backup that leads to it. */
  readonly backup: string;
  readonly moment?: string;
  /** In words: `backup "x"`. */
  readonly what: string;
  /** What a restore of it is asked. */
  readonly asked: { readonly backup: string } | { readonly at: string };
  /** What the same command is told to go on. */
  readonly flags: readonly string[];
  /** The database as it was then; `undefined`: not known before it is recovered. */
  was(): Promise<Pick<Manifest, "fingerprints" | "physical"> | undefined>;
}

/**
 * Looks, before anything is touched, at what is to be gone back to: that the backup is whole, or the moment in the archive.
 *
 * @throws PipelineError where there is none.
 */
export async function chooseGoal(request: RecoverRequest, { log, signal }: StageContext): Promise<GoingBackTo> {
  const store = openStore(request.store);
  const { environment, settings, at } = request;
  const wanted = wantedBy(request);
  if (at !== undefined && request.database.rds !== undefined)
    throw restoredBeside(environment, ["db:restore:checkpoint", "--at", at]);
  if (at !== undefined) {
    const moment = { to: "moment", at: new Date(at) } as const;
    const { base } = await lookBefore(request, { stanza: stanzaOf({ ...request, at }), goal: moment }, signal);
    log.info(`the database as it was at ${at} can be recovered`, { base: base.label });
    return {
      backup: base.label,
      moment: at,
      what: `the moment ${at}`,
      asked: { at },
      flags: ["--at", at],
      was: async () => {
        const tried = await readTried(store, environment);
        const fingerprints = Date.parse(tried?.moment ?? "") === Date.parse(at) ? tried?.fingerprints : undefined;
        return fingerprints === undefined ? undefined : { fingerprints };
      },
    };
  }
  const found = wanted.by === "id" ? wanted : findBackup(await scanBackups(store, environment), wanted);
  if (found === undefined) throw await noBackup(store, environment, describeWanted(wanted));
  const { id } = found;
  const manifest = await verifyBackup(store, environment, id, undefined, { jobs: settings.backup.jobs, signal });
  const { physical } = manifest;
  if (physical?.method === "snapshot") throw restoredBeside(environment, ["db:restore", "--backup", id]);
  if (physical !== undefined) {
    const { stanza, restorePoint } = physical;
    await lookBefore(request, { stanza, goal: { to: "point", restorePoint } }, signal);
  }
  const sure = physical === undefined ? "every file has its checksum" : "the archive leads to it";
  log.info(`backup ${id}, made ${manifest.created}: ${sure}`);
  return {
    backup: id,
    what: `backup ${id}`,
    asked: { backup: id },
    flags: ["--backup", id],
    was: () => Promise.resolve(manifest),
  };
}

/** What RDS restores stands beside, as an instance of its own, and is put in place by nobody but a person. */
function restoredBeside(environment: string, [script, ...args]: readonly [string, ...string[]]): PipelineError {
  return new PipelineError({
    code: "RESTORED_BESIDE",
    kind: "refused",
    message:
      "RDS restores this as an instance of its own beside the one that is there; that is not swapped by itself, so a recovery cannot end with it in place.",
    state: "Nothing was touched, and the application was not stopped.",
    next: `${npmRun(environment, script, ...args)} restores it, and says how it takes the other's place. A backup that is a dump, a checkpoint among them, can be recovered to.`,
  });
}
