import pg from "pg";
import { PipelineError } from "../errors.js";
import { sqlState } from "../postgres/connection.js";
import { describeSessions, findLongTransactions } from "../postgres/sessions.js";
import { type Attempt, finishAttempt, markAttempt } from "./attempt.js";
import { type HistoryRow, historyTable, isResumable } from "./history.js";
import type { MigrationsFolder } from "./migrations.js";
import { type Remains, watchRemains } from "./remains.js";

/** How long dropping what is left may wait for the transactions that are open, in milliseconds. */
const patienceMs = 30_000;

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
 * @throws PipelineError (`LEFT_HALF_DONE`, refused) where what is left cannot be dropped yet.
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
    } else if (await clearPatiently(client, row.name, remains)) {
      await markAttempt(client, attempt, "whole");
      settled.push({ name: row.name, state: "cleared" });
    }
  }
  return settled;
}

async function clearPatiently(client: pg.Client, migration: string, remains: Remains): Promise<boolean> {
  await client.query(`set statement_timeout = ${patienceMs}`);
  try {
    return await remains.clear();
  } catch (error) {
    if (!["57014", "55P03"].includes(sqlState(error) ?? "")) throw error;
    const open = (await findLongTransactions(client, 0)).filter((one) => !/^safe-migration/.test(one.application));
    throw new PipelineError(
      {
        code: "LEFT_HALF_DONE",
        kind: "refused",
        message: `${migration} was stopped in its one statement, and the index that it left half built could not be dropped within ${patienceMs} ms. Transactions that are open: ${open.length === 0 ? "none by now" : describeSessions(open)}.`,
        state: "Nothing was changed by this run; no query uses that index.",
        next: "End or wait for those sessions, then run the same command.",
      },
      { cause: error },
    );
  } finally {
    await client.query("reset statement_timeout").catch(() => undefined);
  }
}
