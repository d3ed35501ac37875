import Table from "cli-table3";
import { type Downtime, perSecond, refusedAfterMs } from "./downtime.js";
import type { ProofFigures } from "./figures.js";

export interface Proof {
  /** Of the database. */
  readonly bytes: number;
  /** What the figures depend on beside the code. */
  readonly around: string;
  readonly figures: ProofFigures;
  readonly downtimes: readonly Downtime[];
}

const style = { head: [], border: [] };

export function renderProof({ bytes, around, figures, downtimes }: Proof): string {
  const { dump, fingerprint, backup, restore, swap, rehearsal, migrations, psql } = figures;
  const table = new Table({ head: ["", "seconds", "beside", "aim"], style });
  const seconds = (value: number) => value.toFixed(value < 0.1 ? 3 : 2);
  const share = (value: number, of: number) => `${((100 * value) / of).toFixed(0)} %`;
  const aim = (met: boolean, what: string) => `${what}: ${met ? "met" : "not met"}`;
  table.push(
    ["dump", seconds(dump), "pg_dump --format=directory, 2 jobs", ""],
    [
      "fingerprint",
      seconds(fingerprint),
      `${share(fingerprint, dump)} of the dump`,
      aim(fingerprint < dump / 2, "under half of the dump"),
    ],
    ["backup", seconds(backup), "both side by side, checksums, manifest; a process", ""],
    ["restore", seconds(restore), "checksums, loading, fingerprints, swap; a process", ""],
    ["swap", seconds(swap), "of the restore: seconds without service", aim(swap < 1, "under one second")],
    ["rehearsal", seconds(rehearsal), `restored; ${migrations} migration(s) applied, back, and again; a process`, ""],
    ["psql -f backup.sql", seconds(psql), "as the plan restores: nothing is compared", ""],
  );
  const met = downtimes.length === 0 ? "" : `\n${renderDowntimes(downtimes)}`;
  return `Database of ${(bytes / 1e6).toFixed(0)} MB; ${around}. Medians.\n${table.toString()}\n${met}`;
}

function renderDowntimes(downtimes: readonly Downtime[]): string {
  const table = new Table({
    head: ["", "by", "ended", "took, s", "requests", "refused", "without service, s", "slowest answer, s"],
    style,
  });
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  for (const { what, tool, outcome, seconds: took, seen } of downtimes) {
    const slowest = Math.max(0, ...seen.targets.map(({ slowestMs }) => slowestMs));
    table.push([
      what,
      tool,
      outcome,
      took.toFixed(1),
      seen.requests,
      seen.refused,
      seconds(seen.refusedMs),
      seconds(slowest),
    ]);
  }
  return (
    `What an application meets: ${perSecond} reads and ${perSecond} writes a second over HTTP in an open loop; refused: no answer within ` +
    `${refusedAfterMs} ms.\nThe migration alone, as a process: backup and rehearsal came before.\n${table.toString()}\n`
  );
}
