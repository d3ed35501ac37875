import Table from "cli-table3";
import type { BackupEntry, BackupsResult } from "../../pipeline/contracts.js";

/** The backups of a store as a table, newest first. */
export function describeBackups({ backups, store, environment, verified }: BackupsResult): string {
  if (backups.length === 0) return `There is no backup of "${environment}" in ${store}.\n`;
  const table = new Table({
    head: ["backup", "made (UTC)", "run", "size", "tables", "rows", "migrations", "proved by a restore", "state"],
    colAligns: ["left", "left", "left", "right", "right", "right", "right", "left", "left"],
    style: { head: [], border: [], compact: true },
  });
  table.push(...backups.map(cells));
  const damaged = backups.filter(({ state }) => state === "damaged");
  const reasons = damaged.map(({ id, reason = "" }) => `${id}: ${reason}\n`).join("");
  const note = verified
    ? "Every byte of the complete ones was read, and is what it was."
    : "Of each the manifest was read; --verify reads every byte.";
  return `${table.toString()}\n${store}\n${note}\n${reasons}`;
}

function cells(backup: BackupEntry): string[] {
  const { id, run, checkpoint, made, method, bytes, tables, rows, migrations, proved, state } = backup;
  const count = (number: number | undefined) => (number === undefined ? "" : String(number));
  return [
    checkpoint === undefined ? id : `${id} (checkpoint "${checkpoint}")`,
    made === undefined ? "" : minute(made),
    run === undefined || run === id ? "" : run,
    method ?? (bytes === undefined ? "" : size(bytes)),
    count(tables),
    count(rows),
    count(migrations),
    state === "damaged" ? "" : proved === undefined ? "no" : `${minute(proved.at)} (${proved.by})`,
    state,
  ];
}

function minute(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}

/** Bytes in the unit that gives up to four digits. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, at] = [bytes, 0];
  for (; value >= 10_000 && at < units.length - 1; at++) value /= 1024;
  return `${Math.round(value)} ${units[at] ?? ""}`;
}
