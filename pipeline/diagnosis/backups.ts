import type { DiagnoseRequest, Settings } from "../contracts.js";
import { npmRun } from "../npmRun.js";
import { lookForLate } from "../recovery/lateBackups.js";
import { describeUntried, readTried } from "../recovery/tried.js";
import { scanBackups } from "../store/listBackups.js";
import { openStore } from "../store/open.js";
import { proveCommand, readProvedBackup, reasonUnproved } from "../store/provedAge.js";
import type { Store } from "../store/store.js";
import type { Found } from "./found.js";

/** How old the newest backup, and the newest that was proved by a restore where no gate asks for it, may be, in hours. */
const oldHours = 24;
const unprovedHours = 7 * 24;

/** Whether there is something to go back to, and how sure that is. */
export async function lookAtBackups(
  store: Store,
  environment: string,
  { maxProvedAgeHours }: Settings["backup"],
  now: Date,
): Promise<Found[]> {
  const { complete, damaged } = await scanBackups(store, environment);
  const found: Found[] = damaged.map(({ id, reason }) => ({
    check: "backup-damaged",
    severity: "error",
    message: `backup ${id} cannot be trusted: ${reason}`,
    remedy: `Make a new one (${npmRun(environment, "db:backup")}), and find out what changed that file.`,
  }));
  const [newest] = complete;
  const make = `Make one: ${npmRun(environment, "db:backup")}`;
  if (newest === undefined) {
    return [
      ...found,
      {
        check: "no-backup",
        severity: "error",
        message: `there is no backup of "${environment}" in ${store.url}`,
        remedy: make,
      },
    ];
  }
  const hours = (time: string) => Math.round((now.getTime() - Date.parse(time)) / 3_600_000);
  if (hours(newest.created) > oldHours)
    found.push({
      check: "backup-old",
      severity: "warning",
      message: `the newest backup, ${newest.id}, is ${hours(newest.created)} hours old`,
      remedy: make,
    });
  const proved = await readProvedBackup(store, environment);
  const prove = `Prove the newest by restoring it beside: ${proveCommand(environment, newest)}`;
  const maxHours = maxProvedAgeHours === 0 ? unprovedHours : maxProvedAgeHours;
  const message = reasonUnproved({ complete: complete.length, proved }, maxHours, now);
  if (message !== undefined) found.push({ check: "backup-unproved", severity: "warning", message, remedy: prove });
  return found;
}

/** Of a server whose log is archived: whether there is a base backup, from which the log leads on, and whether it was ever tried. */
export async function lookAtBaseBackups(
  { database, environment, store }: Pick<DiagnoseRequest, "database" | "environment" | "store">,
  signal: AbortSignal,
): Promise<Found[]> {
  const now = new Date();
  const late = await lookForLate(database, signal);
  const untried = describeUntried(await readTried(openStore(store), environment), now);
  const hourAgo = new Date(now.getTime() - 3_600_000).toISOString();
  const attempt = npmRun(environment, "db:restore:checkpoint", "--at", hourAgo, "--into", "proof");
  return [
    ...warning(
      "base-backups",
      late,
      "On the host, journalctl -u 'safe-migration-base-backup@*' says why; systemctl start safe-migration-base-backup@full makes one now.",
    ),
    ...warning("recovery-untried", untried, `Try it beside: ${attempt}; then DROP DATABASE "proof".`),
  ];
}

function warning(check: string, message: string | undefined, remedy: string): Found[] {
  return message === undefined ? [] : [{ check, severity: "warning", message, remedy }];
}
