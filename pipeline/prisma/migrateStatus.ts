import type { Database, Project } from "../contracts.js";
import type { MigrateStatus, StatusLine } from "../contracts/migrateStatus.js";
import { withClient } from "../postgres/connection.js";
import { diffDrift } from "./drift.js";
import {
  type HistoryComparison,
  type HistoryRow,
  compareHistory,
  isProvedUnchanged,
  isResumable,
  readHistory,
} from "./history.js";
import { type MigrationsFolder, readMigrations } from "./migrations.js";
import { loadSchema } from "./schema.js";

export interface StatusOf {
  readonly environment: string;
  readonly database: Database;
  readonly project: Pick<Project, "schema" | "migrations">;
}

/** Both sides of the history by name and checksum, and drift; only reads. */
export async function readMigrateStatus({ environment, database, project }: StatusOf): Promise<MigrateStatus> {
  const schema = await loadSchema(project.schema, database.schema);
  const folder = await readMigrations(project.migrations);
  const history = await withClient(database, { applicationName: "safe-migration status" }, async (client) =>
    compareHistory(folder, await readHistory(client, schema)),
  );
  const lines = statusLines(history, folder);
  const replayable = history.edited.length === 0 && history.missing.length === 0;
  const applied = history.applied.map(({ name }) => name);
  const drift = replayable
    ? await diffDrift(database, project, { applied, schema, environment, tolerant: true })
    : undefined;
  return {
    database: database.name,
    at: `${database.host}:${database.port}`,
    migrations: project.migrations,
    lines,
    pending: history.pending.length,
    wrong: lines.filter(({ wrong }) => wrong).length + (drift?.drifted === true ? 1 : 0),
    ...(drift === undefined ? {} : { drift: { drifted: drift.drifted, summary: drift.summary } }),
  };
}

/** The lines of the table, in the order of the migrations' names. */
function statusLines(history: HistoryComparison, folder: MigrationsFolder): StatusLine[] {
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
