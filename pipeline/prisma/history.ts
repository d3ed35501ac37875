import pg from "pg";
import { z } from "zod";
import { checksumMatches, type Migration, type MigrationsFolder } from "./migrations.js";

/** The table in which Prisma records what it applied. */
export const historyTable = "_prisma_migrations";

const rowSchema = z.object({
  /** UUID of this attempt; a migration that was rolled back and applied again has several rows. */
  id: z.string(),
  name: z.string(),
  checksum: z.string(),
  startedAt: z.date(),
  /** When it was applied; `null`: it failed, or is running. */
  finishedAt: z.date().nullable(),
  /** When a failed attempt was declared rolled back; such a row no longer counts. */
  rolledBackAt: z.date().nullable(),
  /** What PostgreSQL said when it failed. */
  logs: z.string().nullable(),
  appliedSteps: z.int(),
});
/** One row of `_prisma_migrations`: one attempt at applying a migration. */
export type HistoryRow = z.infer<typeof rowSchema>;

/**
 * The history that Prisma keeps in the database, in the order of its attempts; empty where there is none yet.
 *
 * @param schema names the PostgreSQL schema that holds the table: that of Prisma's connection (`?schema=` of its URL).
 */
export async function readHistory(
  client: pg.ClientBase,
  { defaultSchema }: { readonly defaultSchema: string } = { defaultSchema: "public" },
): Promise<HistoryRow[]> {
  const table = `${pg.escapeIdentifier(defaultSchema)}.${pg.escapeIdentifier(historyTable)}`;
  const found = await client.query<{ exists: boolean }>("select to_regclass($1) is not null as exists", [table]);
  if (found.rows[0]?.exists !== true) return [];
  const { rows } = await client.query(
    `select id, migration_name as name, checksum, started_at as "startedAt", finished_at as "finishedAt",
            rolled_back_at as "rolledBackAt", logs, applied_steps_count as "appliedSteps"
     from ${table} order by started_at, id`,
  );
  return z.array(rowSchema).parse(rows);
}

/** The rows of what is applied, in the order in which it was. */
export function appliedRows(rows: readonly HistoryRow[]): HistoryRow[] {
  return rows.filter(({ finishedAt, rolledBackAt }) => finishedAt !== null && rolledBackAt === null);
}

/** A migration of the folder, with its row in the database. */
export interface Recorded extends Migration {
  readonly row: HistoryRow;
}

/** The database's history beside the migrations folder; a migration may be in several of the lists. */
export interface HistoryComparison {
  /** Applied and on the disk, in the order of the folder; `checksum` is the file's, `row.checksum` what was applied. */
  readonly applied: readonly Recorded[];
  /** On the disk and to be applied, in that order; also those whose attempt was stopped, and is no reason not to. */
  readonly pending: readonly Migration[];
  /** Neither finished nor rolled back: Prisma refuses to go on (P3009) while there is one. See {@link isProvedUnchanged}. */
  readonly failed: readonly HistoryRow[];
  /** Attempts that were declared rolled back; an audit trail, nothing to do. */
  readonly rolledBack: readonly HistoryRow[];
  /** Applied, but the file on the disk is another one now. */
  readonly edited: readonly Recorded[];
  /** In the database, applied or failed, and not on the disk. */
  readonly missing: readonly HistoryRow[];
  /** Pending, and sorted before one that is already applied (two branches merged). */
  readonly outOfOrder: readonly OutOfOrder[];
}

/** A pending migration that is older than one that is applied. */
export interface OutOfOrder extends Migration {
  /** The newest applied migration, which sorts after it. */
  readonly before: string;
}

/** Compares as Prisma does, but reports what Prisma's own `migrate status` and `deploy` pass over. */
export function compareHistory(folder: MigrationsFolder, rows: readonly HistoryRow[]): HistoryComparison {
  const { migrations } = folder;
  const counting = rows.filter(({ rolledBackAt }) => rolledBackAt === null);
  const failed = counting.filter(({ finishedAt }) => finishedAt === null);
  const onDisk = new Set(migrations.map(({ name }) => name));
  const applied = migrations.flatMap((migration): Recorded[] => {
    const row = counting.find(({ name, finishedAt }) => name === migration.name && finishedAt !== null);
    return row === undefined ? [] : [{ ...migration, row }];
  });

  // An attempt that changed nothing leaves its migration to be applied again.
  const standing = counting.filter(
    (row) => row.finishedAt !== null || !(isProvedUnchanged(row) || isResumable(row, folder)),
  );
  const recorded = new Set(standing.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !recorded.has(name));
  const last = applied.at(-1)?.name;
  const position = new Map(migrations.map(({ name }, at) => [name, at]));
  const older = (name: string): boolean => last !== undefined && (position.get(name) ?? 0) < (position.get(last) ?? 0);

  return {
    applied,
    pending,
    failed,
    rolledBack: rows.filter(({ rolledBackAt }) => rolledBackAt !== null),
    edited: applied.filter(({ sql, row }) => !checksumMatches(sql, row.checksum)),
    missing: standing.filter(({ name }) => !onDisk.has(name)),
    outOfOrder: pending.filter(({ name }) => older(name)).map((migration) => ({ ...migration, before: last ?? "" })),
  };
}

/**
 * Written into the `logs` of a migration's row before its script starts, when the script runs in one transaction together
 * with the row's own finishing. While `finished_at` is null, that transaction was not committed.
 */
export function atomicMark(rowId: string): string {
  return `safe-migration: whole or not at all, attempt ${rowId}`;
}

/**
 * Whether an unfinished row is proved to have changed nothing: a run of this program that was killed or failed left it, and
 * not `prisma migrate deploy`. Holds only when no session still runs the script, which `withAdvisoryLock` makes sure of.
 */
export function isProvedUnchanged(row: Pick<HistoryRow, "id" | "finishedAt" | "rolledBackAt" | "logs">): boolean {
  return row.finishedAt === null && row.rolledBackAt === null && (row.logs ?? "").includes(atomicMark(row.id));
}

/**
 * Written into the `logs` of a migration's row before its script starts, when that is one statement which cannot run in a
 * transaction and which, if this process is killed, can be finished or begun again: `settleInterrupted` finds out.
 */
export function aloneMark(rowId: string): string {
  return `safe-migration: one statement alone, attempt ${rowId}`;
}

/** Whether an unfinished row is that of a killed run, and its one statement, unchanged in the folder, may be finished or begun again. */
export function isResumable(row: HistoryRow, { migrations }: Pick<MigrationsFolder, "migrations">): boolean {
  if (row.finishedAt !== null || row.rolledBackAt !== null || !(row.logs ?? "").includes(aloneMark(row.id)))
    return false;
  const migration = migrations.find(({ name }) => name === row.name);
  return migration?.plan.kind === "alone" && checksumMatches(migration.sql, row.checksum);
}
