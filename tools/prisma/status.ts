import Table from "cli-table3";
import { exitCodes } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { diffDrift } from "../../pipeline/prisma/drift.js";
import {
  type HistoryComparison,
  compareHistory,
  type HistoryRow,
  isProvedUnchanged,
  isResumable,
  readHistory,
} from "../../pipeline/prisma/history.js";
import { type MigrationsFolder, readMigrations } from "../../pipeline/prisma/migrations.js";
import { loadSchema } from "../../pipeline/prisma/schema.js";
import type { CommandContext } from "./context.js";
import { say } from "./output.js";

/**
 * `prisma:migrate:status`: both sides of the history by name and checksum, and drift; only reads.
 *
 * Exit code 0: in sync, or migrations are pending (they are listed); 3: something must be put right first: a migration that failed, was
 * edited after it was applied or is missing from the folder, or drift.
 */
export async function statusCommand({ environment, database, project }: CommandContext): Promise<number> {
  const schema = await loadSchema(project.schema, database.schema);
  const folder = await readMigrations(project.migrations);
  const history = await withClient(database, { applicationName: "safe-migration status" }, async (client) =>
    compareHistory(folder, await readHistory(client, schema)),
  );
  say(
    `Database "${database.name}" at ${database.host}:${database.port} (${environment}), migrations in ${project.migrations}`,
  );
  const lines = statusLines(history, folder);
  if (lines.length > 0) say(render(lines));
  const replayable = history.edited.length === 0 && history.missing.length === 0;
  const applied = history.applied.map(({ name }) => name);
  const drift = replayable
    ? await diffDrift(database, project, { applied, schema, environment, tolerant: true })
    : undefined;
  say(driftLine(drift));
  const wrong = lines.filter(({ wrong }) => wrong).length + (drift?.drifted === true ? 1 : 0);
  say(verdict(wrong, history.pending.length, environment));
  return wrong > 0 ? exitCodes.refused : exitCodes.ok;
}

/** One migration, as it is shown. */
export interface StatusLine {
  readonly name: string;
  readonly state: string;
  /** When and why. */
  readonly detail: string;
  /** Must be put right before anything is applied. */
  readonly wrong: boolean;
}

/** The lines of the table, in the order of the migrations' names. */
export function statusLines(history: HistoryComparison, folder: MigrationsFolder): StatusLine[] {
  const edited = new Set(history.edited.map(({ name }) => name));
  const older = new Map(history.outOfOrder.map(({ name, before }) => [name, before]));
  const goesOn = (row: HistoryRow): boolean => isProvedUnchanged(row) || isResumable(row, folder);
  const stopped = new Set(history.failed.filter(goesOn).map(({ name }) => name));
  const failed = history.failed.filter((row) => !goesOn(row));
  const known = new Set(failed.map(({ name }) => name));
  const line = (name: string, state: string, detail: string, wrong = false): StatusLine => ({
    name,
    state,
    detail,
    wrong,
  });
  return [
    ...history.applied.map(({ name, row, checksum }) =>
      edited.has(name)
        ? line(
            name,
            "edited",
            `applied with checksum ${row.checksum.slice(0, 12)}…, the file has ${checksum.slice(0, 12)}…`,
            true,
          )
        : line(name, "applied", row.finishedAt?.toISOString() ?? ""),
    ),
    ...history.pending.map(({ name }) =>
      line(
        name,
        "pending",
        stopped.has(name)
          ? "an earlier attempt was stopped; the next run goes on from there"
          : older.has(name)
            ? `older than ${older.get(name) ?? ""}, which is applied`
            : "",
      ),
    ),
    ...failed.map(({ name, logs, startedAt }) =>
      line(name, "failed", `${startedAt.toISOString()} ${firstLine(logs ?? "it never finished")}`, true),
    ),
    ...history.missing
      .filter(({ name }) => !known.has(name))
      .map(({ name }) => line(name, "missing", "in the database, but not in the folder", true)),
  ].sort((a, b) => a.name.localeCompare(b.name));
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "";
}

function render(lines: readonly StatusLine[]): string {
  const table = new Table({ head: ["migration", "state", ""], style: { head: [], border: [] }, wordWrap: true });
  table.push(...lines.map(({ name, state, detail }) => [name, state, detail]));
  return table.toString();
}

function driftLine(drift: { readonly drifted: boolean; readonly summary: string } | undefined): string {
  if (drift === undefined) return "Drift: not looked for, since the folder is not what was applied.";
  if (!drift.drifted) return "Drift: none, the database is what its migrations make.";
  return `Drift: the database differs from what its migrations make:\n${drift.summary}`;
}

function verdict(wrong: number, pending: number, environment: string): string {
  if (wrong > 0) return `${wrong} thing(s) must be put right before anything is applied.`;
  const apply = environment === "local" ? "npm start" : npmRun("local", "up", "--stack", environment);
  return pending === 0 ? "In sync." : `${pending} migration(s) pending; the pipeline applies them (${apply}).`;
}
