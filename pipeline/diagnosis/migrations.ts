import pg from "pg";
import { describeHistory } from "../checks/history.js";
import type { StageContext } from "../context.js";
import type { StageRequest } from "../contracts.js";
import { npmRun } from "../npmRun.js";
import { withClient } from "../postgres/connection.js";
import { diffDrift } from "../prisma/drift.js";
import {
  type HistoryComparison,
  type HistoryRow,
  compareHistory,
  historyTable,
  isProvedUnchanged,
  isResumable,
  readHistory,
} from "../prisma/history.js";
import { type Migration, type MigrationsFolder, readMigrations } from "../prisma/migrations.js";
import type { PrismaSchema } from "../prisma/schema.js";
import { changesOf } from "../risk/changes/index.js";
import { statementsOf } from "../risk/statements.js";
import type { Found } from "./found.js";

/** Migrations that failed, were edited, are missing or pending; and a database that is not what they make. */
export async function lookAtMigrations(
  request: StageRequest,
  schema: PrismaSchema,
  context: StageContext,
): Promise<Found[]> {
  const folder = await readMigrations(request.project.migrations);
  const options = { applicationName: "safe-migration diagnose" };
  const history = await withClient(request.database, options, async (client) =>
    compareHistory(folder, await readHistory(client, schema)),
  );
  const found: Found[] = describeHistory({ ...history, failed: [], pending: [] });
  for (const row of history.failed) found.push(await describeFailed(row, history, folder, request, schema, context));
  const names = history.pending.map(({ name }) => name);
  if (names.length > 0) {
    const remedy = npmRun(request.environment, "prisma:migrate:deploy");
    found.push({ check: "pending", severity: "warning", message: `not applied yet: ${names.join(", ")}`, remedy });
  }
  const differs = history.failed.length > 0 || found.some(({ severity }) => severity === "error");
  // Where the history is not what the folder says, what the database should be is not known.
  return differs ? found : [...found, ...(await lookForDrift(request, schema, history, context))];
}

async function lookForDrift(
  request: StageRequest,
  schema: PrismaSchema,
  history: HistoryComparison,
  context: StageContext,
): Promise<Found[]> {
  const drift = await differenceTo(request, schema, history.applied, context);
  if (!drift.drifted) return [];
  return [
    {
      check: "drift",
      severity: request.settings.preflight.drift === "refuse" ? "error" : "warning",
      message: `the database differs from what its migrations make:\n${drift.summary}`,
      remedy: "Put the difference into a migration, or undo it in the database.",
    },
  ];
}

async function differenceTo(
  { database, environment, project }: StageRequest,
  schema: PrismaSchema,
  migrations: readonly { readonly name: string }[],
  { log, signal }: StageContext,
) {
  const applied = migrations.map(({ name }) => name);
  return diffDrift(database, project, { applied, tolerant: true, environment, log, signal, schema });
}

/** A failed row, and what became of the migration as far as the database shows. */
async function describeFailed(
  row: HistoryRow,
  history: HistoryComparison,
  folder: MigrationsFolder,
  request: StageRequest,
  schema: PrismaSchema,
  context: StageContext,
): Promise<Found> {
  const { name } = row;
  const table = `${pg.escapeIdentifier(schema.defaultSchema)}.${pg.escapeIdentifier(historyTable)}`;
  // Should something of it be there all the same, the next run fails on it and is rolled back whole.
  const rolledBack: NonNullable<Found["repair"]> = {
    what: `mark ${name} as rolled back`,
    mode: "transaction",
    statements: [
      `UPDATE ${table} SET rolled_back_at = now() WHERE id = ${pg.escapeLiteral(row.id)} AND finished_at IS NULL AND rolled_back_at IS NULL`,
    ],
  };
  const base = {
    check: "failed",
    severity: "error",
    remedy: `Look at the database; then ${npmRun(request.environment, "prisma:migrate:resolve", "--rolled-back", name)}, or --applied.`,
  } as const;
  if (isProvedUnchanged(row)) {
    const message = `${name} was stopped before it changed anything`;
    return { ...base, severity: "warning", message, repair: rolledBack };
  }
  if (isResumable(row, folder)) {
    const message = `${name} was stopped in its one statement; the next run finds out what became of it`;
    return { ...base, severity: "warning", message, remedy: npmRun(request.environment, "prisma:migrate:deploy") };
  }
  const migration = folder.migrations.find((candidate) => candidate.name === name);
  if (migration === undefined || changesRows(migration))
    return { ...base, message: `${name} failed, and what it did to rows cannot be seen by the schema` };
  if (!(await differenceTo(request, schema, history.applied, context)).drifted) {
    const message = `${name} failed, and nothing of it is there: the schema is what the migrations before it make`;
    return { ...base, message, repair: rolledBack };
  }
  if (!(await differenceTo(request, schema, [...history.applied, row], context)).drifted) {
    // Prisma's comparison does not see everything (a partial index, a CHECK); taken for applied, what is missing would never be made.
    const remedy = `Look whether all of it is there, also what Prisma does not model; then ${npmRun(request.environment, "prisma:migrate:resolve", "--applied", name)}`;
    const message = `${name} is recorded as failed, and it is there, as far as Prisma compares: the schema is what it makes`;
    return { ...base, message, remedy };
  }
  return {
    ...base,
    message: `${name} failed, and a part of it is there: the schema is neither that before it nor that after it`,
  };
}

/** Whether it does what no comparison of schemas shows. */
function changesRows({ sql }: Migration): boolean {
  const unseen = new Set(["write", "insert", "truncate", "opaque", "callsFunctions"]);
  return statementsOf(sql)
    .flatMap((statement) => changesOf(statement))
    .some(({ kind }) => unseen.has(kind));
}
