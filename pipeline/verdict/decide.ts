import type { Observed, Option, Verdict } from "../contracts.js";
import { few } from "../few.js";
import { npmRun } from "../npmRun.js";

/** What failed, as far as the verdict goes by it. */
export interface Failed {
  readonly code: string;
}

/** Failures after which nothing is to be mended: what stood in the way goes away by itself, or by those who are named. */
const passing = new Set([
  "ADVISORY_LOCK",
  "AVAILABILITY_BUDGET",
  "CONNECTION",
  "HISTORY_MOVED",
  "INTERRUPTED",
  "LOCK_TIMEOUT",
  "MIGRATION_LOCK_LOST",
  "MIGRATION_RUNNING",
  "NOT_RUNNING",
  "OUTSIDE_WINDOW",
  "PIPELINE_LOCKED",
  "PIPELINE_LOCK_LOST",
  "STARTING",
  "TOO_MANY_CONNECTIONS",
  "TRAFFIC",
]);

/**
 * What to do, from what is there: run again, fix and go on, roll back or restore; each with what it would lose. Where two would
 * do, the one that loses nothing comes first.
 */
export function decideVerdict(seen: Observed, environment: string, failed?: Failed): Verdict {
  const options = [
    runAgain(seen, environment),
    fixAndGoOn(seen, environment),
    rollBack(seen, environment),
    restore(seen, environment),
    ...restoreSnapshot(seen, environment),
    ...restoreMoment(seen, environment),
  ];
  const possible = (action: Option["action"]) => options.find((option) => option.action === action)?.possible === true;
  const free = (action: Option["action"]) =>
    possible(action) && options.find((option) => option.action === action)?.loses.length === 0;
  const orMoment = possible("restoreMoment")
    ? "; or go back to the moment before, which keeps what was written until then"
    : "";
  const decided = (verdict: Verdict["verdict"], why: string): Verdict => ({ verdict, why, options });

  if (seen.failed.length > 0) {
    const why = `${few(seen.failed)} failed, and statements of it may have been applied`;
    if (free("restore")) return decided("restore", `${why}; nothing would be lost, as nobody wrote since the backup`);
    return decided("fixAndGoOn", `${why}: look at the database, and record what is there${orMoment}`);
  }
  if (seen.astray.length > 0) return decided("fixAndGoOn", `the folder is not what was applied: ${few(seen.astray)}`);
  if (failed !== undefined && passing.has(failed.code))
    return decided("runAgain", "what stood in the way passes, and what was applied stays");
  if (failed !== undefined || seen.drift !== undefined) {
    if (seen.appliedSince.length === 0)
      return decided(
        "fixAndGoOn",
        failed === undefined
          ? "the schema is not what the migrations make"
          : "nothing was applied since the backup: mend what the message names",
      );
    if (possible("rollBack"))
      return decided(
        "rollBack",
        `${few(seen.appliedSince)} can be taken back by SQL, and what was written since stays`,
      );
    if (free("restore"))
      return decided(
        "restore",
        `${few(seen.withoutWayBack, { most: 3 })} cannot be taken back by SQL, and nobody wrote since the backup`,
      );
    return decided(
      "fixAndGoOn",
      `going back would lose what was written since the backup: mend what the message names, if it can be${orMoment}`,
    );
  }
  if (seen.pending.length > 0)
    return decided("runAgain", `${seen.pending.length} migration(s) are pending, and nothing is in their way`);
  return decided("nothing", "every migration is applied, and the schema is what they make");
}

function runAgain(seen: Observed, environment: string): Option {
  const blocked = seen.failed.length > 0 || seen.astray.length > 0;
  return {
    action: "runAgain",
    possible: !blocked,
    ...(blocked ? { note: "preflight refuses as long as that is not put right" } : {}),
    loses: [],
    command: upCommand(environment),
  };
}

function fixAndGoOn(seen: Observed, environment: string): Option {
  const [name] = seen.failed;
  const command =
    name === undefined
      ? upCommand(environment)
      : `${npmRun(environment, "prisma:migrate:resolve", "--rolled-back", name)} (nothing of it is there), or --applied ${name} (all of it is)`;
  return {
    action: "fixAndGoOn",
    possible: true,
    loses: [],
    command,
  };
}

function rollBack(seen: Observed, environment: string): Option {
  const { appliedSince, withoutWayBack } = seen;
  const before = seen.applied.length - appliedSince.length;
  const to = seen.applied[before - 1];
  const none = appliedSince.length === 0;
  const note = none
    ? "no migration was applied since the backup"
    : withoutWayBack.length > 0
      ? few(withoutWayBack, { most: 3, separator: "; " })
      : seen.failed.length > 0
        ? "not before it is known what the failed migration did"
        : undefined;
  return {
    action: "rollBack",
    possible: note === undefined,
    ...(note === undefined ? {} : { note }),
    loses: none ? [] : [`what was written since into what ${few(appliedSince)} added`],
    command: npmRun(
      environment,
      "db:rollback",
      ...(to === undefined ? ["--steps", String(Math.max(1, appliedSince.length))] : ["--to", to]),
    ),
  };
}

function restore({ backup, written, appliedSince }: Observed, environment: string): Option {
  if (backup === undefined) {
    const command = npmRun(environment, "db:restore", "--list");
    return { action: "restore", possible: false, note: "there is no complete backup", loses: [], command };
  }
  const proved = backup.proved ? "proved by a restore" : "never restored so far";
  const there =
    backup.method === "snapshot"
      ? "RDS restores it as an instance of its own beside this one, which the command says how to go on with"
      : "the database that is there now is kept under another name";
  const whose =
    appliedSince.length > 0 && written.known && written.changes.length > 0
      ? "what the migrations themselves changed is among it; "
      : "";
  return {
    action: "restore",
    possible: true,
    note: `${whose}made ${backup.made}, ${proved}; ${there}`,
    loses: lossesOf(written),
    command: npmRun(environment, "db:restore", "--backup", backup.id),
  };
}

/** Only where one was made beside the backup. */
function restoreSnapshot({ backup, written }: Observed, environment: string): Option[] {
  if (backup?.dbSnapshot === undefined) return [];
  return [
    {
      action: "restoreSnapshot",
      possible: true,
      note: `${backup.dbSnapshot}, made with the backup: in the time that RDS takes whatever its size, with all of the instance's databases and roles, as an instance of its own beside this one; never restored so far`,
      loses: lossesOf(written),
      command: npmRun(environment, "db:restore", "--backup", backup.id, "--db-snapshot"),
    },
  ];
}

/** Only where the server's log is kept, and there is a moment that is worth going to. */
function restoreMoment({ moment, written }: Observed, environment: string): Option[] {
  if (moment === undefined) return [];
  const { at, before, by, trouble } = moment;
  const note =
    by === "rds"
      ? `just before ${before}; RDS restores it as an instance of its own beside this one, which the command says how to go on with`
      : `just before ${before}; what differs is told before it is put in place, and the database that is there now is kept under another name; with the application stopped meanwhile: ${npmRun(environment, "recover", "--at", at)}`;
  const nothing = written.known && written.changes.length === 0;
  return [
    {
      action: "restoreMoment",
      possible: trouble === undefined,
      note: trouble ?? note,
      loses: nothing ? [] : [`what was written since ${at}, by the migrations and by others; no more than that`],
      command: npmRun(environment, "db:restore:checkpoint", "--at", at),
    },
  ];
}

/** How many tables are named one by one. */
const namedTables = 8;

function lossesOf(written: Observed["written"]): string[] {
  if (!written.known) return [`what was written since the backup, which is not known: ${written.reason}`];
  const { changes } = written;
  const more = changes.length - namedTables;
  return [
    ...changes.slice(0, namedTables).map(({ table, message }) => `${table} ${message}`),
    ...(more > 0 ? [`and changes of ${more} more tables`] : []),
  ];
}

function upCommand(environment: string): string {
  return environment === "local" ? "npm start" : npmRun("local", "up", "--stack", environment);
}
