import pg from "pg";
import { type Attempt, finishAttempt, markAttempt } from "./attempt.js";
import { type HistoryRow, historyTable, isResumable } from "./history.js";
import type { MigrationsFolder } from "./migrations.js";
import { watchRemains } from "./remains.js";

/** What became of a statement that was alone and whose run was killed. */
export interface Settled {
  readonly name: string;
  /** `applied`: the server had finished it. `cleared`: nothing of it is there any more; it is applied again. */
  readonly state: "applied" | "cleared";
}

/**
 * Finds out what became of migrations of one statement that cannot run in a transaction, whose runs were killed: looks at what is
 * there, drops the invalid index that CREATE INDEX CONCURRENTLY leaves, and puts the history row right. The caller holds
 * `withAdvisoryLock`, so that no session is still at it.
 *
 * @param schema names the PostgreSQL schema of Prisma's history.
 */
export async function settleInterrupted(
  client: pg.Client,
  folder: MigrationsFolder,
  rows: readonly HistoryRow[],
  { defaultSchema }: { readonly defaultSchema: string },
): Promise<Settled[]> {
  const table = `${pg.escapeIdentifier(defaultSchema)}.${pg.escapeIdentifier(historyTable)}`;
  const settled: Settled[] = [];
  for (const row of rows.filter((candidate) => isResumable(candidate, folder))) {
    const migration = folder.migrations.find(({ name }) => name === row.name);
    if (migration?.plan.kind !== "alone") continue;
    const attempt: Attempt = { id: row.id, migration: row.name, table };
    const remains = await watchRemains(client, migration.plan.statement.node);
    if (await remains.isDone()) {
      await finishAttempt(client, attempt);
      settled.push({ name: row.name, state: "applied" });
    } else if (await remains.clear()) {
      await markAttempt(client, attempt, "whole");
      settled.push({ name: row.name, state: "cleared" });
    }
  }
  return settled;
}
