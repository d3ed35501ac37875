import type pg from "pg";
import type { RehearsedMigration } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { prepareReader } from "../postgres/readSession.js";
import type { Migration } from "../prisma/migrations.js";
import { cannotRunInTransaction } from "../prisma/nonTransactional.js";
import { lineOf } from "../prisma/plan.js";
import type { Session } from "../prisma/session.js";
import { type TimeoutLimits, timeoutClassOfAll, timeoutsOf } from "../prisma/timeouts.js";
import { cannotBeTried, clusterStatements, clusterWide, describeCluster } from "./clusterWide.js";
import { sendInCopy } from "./dropRole.js";
import { type Weights, rehearsalFailed, tell, unexpected } from "./judged.js";
import { compareKept, keepTables } from "./kept.js";
import { compareLargeObjects, keepLargeObjects } from "./largeObjects.js";
import type { Observed } from "./observed.js";
import { compareSequenceStates, readSequenceStates } from "./sequences.js";
import { readShapes } from "./shape.js";
import { type Trial, changedForm, observe, triable } from "./touched.js";
import { inTrialTransaction } from "./trialTransaction.js";
import type { Loss } from "./undeclared.js";

export interface RolledBackOptions {
  readonly session: Session;
  readonly limits: TimeoutLimits;
  /** Number of Prisma's own table, of which nothing is kept. */
  readonly history: ReadonlySet<number>;
  readonly weights: Weights;
  /** What is changed or lost undeclared is added to it. */
  readonly losses: Loss[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Rehearses migrations, the first of which changes the whole cluster, one after the other in one transaction that is rolled back:
 * committed, they would change the cluster now, before the database is migrated. What becomes of every value is looked at in that
 * transaction. Statements that cannot run in one are left out.
 *
 * @throws PipelineError (`refused`) where one fails, or cannot be rehearsed so.
 */
export async function rehearseRolledBack(
  migrations: readonly Migration[],
  options: RolledBackOptions,
): Promise<RehearsedMigration[]> {
  const { session, log, signal } = options;
  return inTrialTransaction(session, signal, async (client) => {
    const rehearsed: RehearsedMigration[] = [];
    for (const migration of migrations) {
      const first = migrations[0] === migration ? undefined : migrations[0]?.name;
      const one = await rehearseOne(client, migration, first, options);
      log.warn(`${migration.name}: ${one.notCommitted?.reason ?? ""}; its way back is not tried`);
      rehearsed.push(one);
    }
    return rehearsed;
  });
}

/** @param first the migration before this one that changes the whole cluster; `undefined`: this one does. */
async function rehearseOne(
  client: pg.Client,
  migration: Migration,
  first: string | undefined,
  { limits, history, weights, losses, log }: RolledBackOptions,
): Promise<RehearsedMigration> {
  const { name, plan, sql } = migration;
  if (plan.kind === "refused") throw rehearsalFailed(name, `${plan.reason}. ${plan.remedy}`);
  const statements = triable(plan);
  if (statements === undefined) throw notTriable(migration, first);
  const left = leftOut(migration);
  if (statements.length === 0 && left !== "") return notRun(migration, left);
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    await actAsMigration(client);
    const { lock, statement } = timeoutsOf(timeoutClassOfAll(statements), limits);
    await client.query(`SET lock_timeout = ${lock}; SET statement_timeout = ${statement}`);
    try {
      const made = await work();
      // What a COMMIT would check.
      await client.query("SET CONSTRAINTS ALL IMMEDIATE");
      return made;
    } catch (error) {
      throw rehearsalFailed(name, messageOf(error), first ?? name, error);
    }
  };
  await actAsReader(client);
  const sequences = await readSequenceStates(client);
  await client.query("SAVEPOINT trial");
  const trial = await run(() => observe(client, statements, sql));
  await client.query("ROLLBACK TO SAVEPOINT trial");

  await actAsReader(client);
  const before = await readShapes(client);
  const own = [...trial.touched].filter((oid) => !history.has(oid));
  const kept = await keepTables(client, own, before, trial.detached);
  if (trial.largeObjects) await keepLargeObjects(client);
  const started = performance.now();
  await run(async () => {
    // As a whole it has its savepoints, too.
    const whole = trial.drops.length === 0 && left === "";
    if (plan.kind === "transaction" && whole) await client.query(plan.script);
    else for (const statement of statements) await sendInCopy(client, statement);
  });
  const durationMs = Math.round(performance.now() - started);

  await actAsReader(client);
  const after = await readShapes(client);
  const observed: Observed[] = (await compareKept(client, kept, after)).flatMap(({ seen }) => seen);
  if (trial.largeObjects) observed.push(...(await compareLargeObjects(client)));
  observed.push(...(await compareSequenceStates(client, sequences)));
  const missed = [...before.tables.values()].filter((shape) => {
    const { oid } = shape;
    return !trial.touched.has(oid) && !history.has(oid) && changedForm(shape, after.tables.get(oid));
  });
  if (missed.length > 0) throw unexpected(name, missed);
  // As at the beginning of the next one's session and transaction.
  await client.query("DISCARD TEMP; SET CONSTRAINTS ALL DEFERRED");
  const wrote = [...trial.touched].some((oid) => !history.has(oid));
  const seen = { observed, statements: trial.statements, wrote, durationMs };
  const { result } = tell(migration, seen, weights, losses, log);
  const reason = reasonOf(migration, trial, first, left);
  return { ...result, notCommitted: { tried: true, reason }, down: uncommitted };
}

/** There is nothing to go back from. */
const uncommitted = {
  verdict: "untried" as const,
  problems: ["not tried, as the migration was not committed on the copy"],
};

function notRun({ name, checksum }: Migration, left: string): RehearsedMigration {
  const reason = `not run in the rehearsal, as it cannot be tried in a transaction that is rolled back: ${left}`;
  const seen = { changes: [], rewrites: [], locks: [], unused: [] };
  return { name, checksum, durationMs: 0, ...seen, notCommitted: { tried: false, reason }, down: uncommitted };
}

/** Back to what the session of a migration begins with, whatever role, rights and settings were set since. */
async function actAsMigration(client: pg.Client): Promise<void> {
  await client.query("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DEALLOCATE ALL");
}

async function actAsReader(client: pg.Client): Promise<void> {
  await client.query("RESET SESSION AUTHORIZATION; RESET ALL; SET ROLE NONE");
  await prepareReader(client);
  // Values are cast as a migration's session casts them.
  await client.query("RESET TimeZone");
}

/** The statements that cannot be tried in a transaction, each with its line; empty where all can. */
function leftOut({ sql, plan }: Migration): string {
  const all = plan.kind === "alone" ? [plan.statement] : plan.statements;
  return all
    .filter(({ node }) => cannotBeTried(node))
    .map(
      ({ node, offset }) => `${clusterWide(node) ?? cannotRunInTransaction(node) ?? ""} at line ${lineOf(sql, offset)}`,
    )
    .join(", ");
}

/** What the result and the log say of a migration that was tried and not committed on the copy. */
function reasonOf({ sql }: Migration, { shared, drops }: Trial, first: string | undefined, left: string): string {
  const shown = clusterStatements(sql);
  const what =
    shown.length > 0 ? describeCluster(shown) : `in a DO block or a function, it writes to ${shared.join(", ")}`;
  const why =
    shown.length > 0 || shared.length > 0
      ? `as it changes the whole cluster: ${what}`
      : `as ${first ?? "one"}, before it, changes the whole cluster`;
  const objects = drops.map(
    (line) => `; DROP ROLE at line ${line} left out, as the database has what depends on the role`,
  );
  const rest = left === "" ? "" : `; left out, as it cannot be tried so: ${left}`;
  return `rehearsed in a transaction that was rolled back, ${why}${rest}${objects.join("")}`;
}

function notTriable({ name, sql, plan }: Migration, first: string | undefined): PipelineError {
  const why =
    plan.kind === "own-transaction"
      ? "it manages its transactions itself"
      : "PostgreSQL's parser (version 18) cannot read it";
  const [message, next] =
    first === undefined
      ? [
          `${name} changes the whole cluster (${describeCluster(clusterStatements(sql))}) and cannot be rehearsed in a transaction that is rolled back: ${why}.`,
          `Move those statements into a migration of their own, without BEGIN and COMMIT, then run the same command.`,
        ]
      : [
          `${name} cannot be rehearsed in the transaction that ${first}, before it, needs, as that one changes the whole cluster: ${why}.`,
          `Leave ${name} and those after it out of one run, which applies ${first}; then put them back and run again.`,
        ];
  return new PipelineError({
    code: "REHEARSAL_NOT_POSSIBLE",
    kind: "refused",
    message,
    state: "The database was not touched, nor the cluster: all was only tried on a restored copy, which is dropped.",
    next,
  });
}
