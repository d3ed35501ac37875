import { npmRun } from "../npmRun.js";
import { scanBackups } from "../store/listBackups.js";
import { newestProved } from "../store/proof.js";
import type { Store } from "../store/store.js";
import type { Found } from "./found.js";

/** How old the newest backup, and the newest that was proved by a restore, may be, in hours. */
const oldHours = 24;
const unprovedHours = 7 * 24;

/** Whether there is something to go back to, and how sure that is. */
export async function lookAtBackups(store: Store, environment: string, now: Date): Promise<Found[]> {
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
  const proved = await newestProved(store, environment);
  const prove = `Prove the newest by restoring it beside: ${npmRun(environment, "db:restore", "--into", "proof")}`;
  if (proved === undefined)
    found.push({
      check: "backup-unproved",
      severity: "warning",
      message: "no backup was ever proved by a restore",
      remedy: prove,
    });
  else if (hours(proved.backup.created) > unprovedHours)
    found.push({
      check: "backup-unproved",
      severity: "warning",
      message: `the newest backup that was proved by a restore, ${proved.backup.id}, is ${hours(proved.backup.created)} hours old`,
      remedy: prove,
    });
  return found;
}
