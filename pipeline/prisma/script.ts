import { EventEmitter } from "node:events";
import pg from "pg";
import { messageOf } from "../errors.js";
import { connectError, sqlState } from "../postgres/connection.js";
import type { Logger } from "../log.js";
import { scriptLockKey, tryLock } from "./advisoryLock.js";
import { charactersOf } from "./codePoints.js";
import { type Attempt, findAttempt, finishAttempt, markAttempt, unmarkAttempt } from "./attempt.js";
import { aloneMark, atomicMark } from "./history.js";
import { checksumOf } from "./migrations.js";
import { endsTransaction, loadParser, planScript, type ScriptPlan, type Statement } from "./plan.js";
import { type Session, sessionConfig } from "./session.js";
import { watchRemains } from "./remains.js";
import { type Fate, fateOf, watchAbort } from "./transactionFate.js";
import { type SqlErrorReport, describeSqlError } from "./sqlError.js";
import {
  type TimeoutClass,
  type TimeoutLimits,
  setsTimeouts,
  timeoutClassOf,
  timeoutClassOfAll,
  timeoutsOf,
} from "./timeouts.js";

/** Shown in `pg_stat_activity` by the session that runs a migration's script. */
export const migrateApplicationName = "safe-migration script";

export interface ScriptOptions extends TimeoutLimits {
  readonly session: Session;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/** A script that PostgreSQL did not carry out. */
export class ScriptFailure extends Error implements SqlErrorReport {
  readonly sqlState: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly excerpt: string;

  constructor(
    report: SqlErrorReport,
    /**
     * `aborted`, proved: the server says that the script's transaction was aborted, or nothing was sent. `unknown`: the server could
     * not be asked whether the one transaction was committed. `partial`: the script does not run in one transaction. `resumable`: it is
     * one statement for itself, and what it left half done could not be taken away yet; the next run does, and begins again.
     */
    readonly fate: Exclude<Fate, "committed"> | "partial" | "resumable",
    /** The row that Prisma's history holds of this attempt, if the script is a migration. */
    readonly attempt: Attempt | undefined,
    options?: { cause?: unknown },
  ) {
    super(report.message, options);
    this.name = "ScriptFailure";
    this.sqlState = report.sqlState;
    this.line = report.line;
    this.column = report.column;
    this.excerpt = report.excerpt;
  }

  get rolledBackWhole(): boolean {
    return this.fate === "aborted";
  }

  /** Message with place and excerpt; kept in Prisma's history, with the mark where nothing was changed. */
  get description(): string {
    const place = this.line === undefined ? "" : ` (line ${this.line}, column ${this.column})`;
    const state = this.sqlState === undefined ? "" : `${this.sqlState}: `;
    const excerpt = this.excerpt === "" ? "" : `\n\n${this.excerpt}`;
    return `${state}${this.message}${place}${excerpt}${this.#mark()}`;
  }

  /** What the next run goes by: Prisma's engine writes the description over the mark that the row had. */
  #mark(): string {
    if (this.attempt === undefined) return "";
    const { id } = this.attempt;
    if (this.fate === "resumable") return `\n\nLeft half done (${aloneMark(id)}).`;
    return this.rolledBackWhole ? `\n\nRolled back (${atomicMark(id)}).` : "";
  }
}

/**
 * Runs an SQL file on one connection, whole or not at all wherever PostgreSQL can do that. A migration's row in Prisma's
 * history is finished in the very transaction that runs its script, so that a process killed at any moment leaves either both or
 * neither.
 *
 * @param back the row of the applied migration that the script takes back; default: that of the one that it applies, if any.
 * @throws ScriptFailure
 */
export async function runScript(script: string, options: ScriptOptions, back?: Attempt): Promise<void> {
  await loadParser();
  const plan = planScript(script);
  if (plan.kind === "refused") {
    throw new ScriptFailure(
      {
        sqlState: undefined,
        message: `${plan.reason}. ${plan.remedy}`,
        line: undefined,
        column: undefined,
        excerpt: "",
      },
      "aborted",
      undefined,
    );
  }
  const client = new pg.Client(await sessionConfig(options.session, migrateApplicationName));
  // A connection that is lost is told by the query that waits; without a listener it would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw nothingSent(connectError(error, options.session.database, options.session.database.name).message, error);
  }
  const run: Run = { client, script, options };
  try {
    if (!(await tryLock(client, scriptLockKey))) throw nothingSent("another session still runs a migration's script");
    const attempt = back ?? (await findAttempt(client, checksumOf(script)));
    await runPlan(run, plan, attempt);
    // Prisma's engine finishes the row of one that it applied.
    if (attempt?.back === true && plan.kind !== "transaction") await finishAttempt(client, attempt);
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Run {
  readonly client: pg.Client;
  readonly script: string;
  readonly options: ScriptOptions;
}

async function runPlan(
  run: Run,
  plan: Exclude<ScriptPlan, { kind: "refused" }>,
  attempt: Attempt | undefined,
): Promise<void> {
  if (attempt !== undefined && !(plan.kind === "transaction" && plan.parsed)) await unmarkAttempt(run.client, attempt);
  switch (plan.kind) {
    case "transaction":
      return runTransaction(run, plan, attempt);
    case "alone":
      return runEach(run, [plan.statement], attempt);
    case "statements":
      return runEach(run, plan.statements, attempt, setsTimeouts(plan));
    case "own-transaction":
      await setTimeouts(run, "ordinary");
      return runAsItIs(run, plan.statements, attempt);
  }
}

async function runTransaction(
  run: Run,
  plan: Extract<ScriptPlan, { kind: "transaction" }>,
  attempt: Attempt | undefined,
): Promise<void> {
  const { client, options } = run;
  // The mark says that nothing can end the transaction early; that is known only of what the parser has read.
  if (attempt !== undefined && plan.parsed) await markAttempt(client, attempt);
  await client.query("begin");
  await setTimeouts(run, timeoutClassOfAll(plan.statements), true);
  const { rows } = await client.query<{ xid: string; pid: number }>(
    "select pg_current_xact_id()::text as xid, pg_backend_pid() as pid",
  );
  const { xid, pid } = rows[0] ?? { xid: "", pid: 0 };
  let done = 0;
  try {
    done = await send(run, plan.script, (count) => (done = count));
    const open = await client.query<{ xid: string | null }>("select pg_current_xact_id_if_assigned()::text as xid");
    if (open.rows[0]?.xid !== xid)
      options.log.warn("the script ended its transaction itself: it was not applied as a whole");
    if (attempt !== undefined) await finishAttempt(client, attempt);
    options.signal?.throwIfAborted();
    await client.query("commit");
  } catch (error) {
    const fate = await fateOf(run.client, options.session, { xid, pid, attempt });
    // The answer to COMMIT was lost, but not the commit.
    if (fate === "committed" && plan.parsed) return;
    const failed = plan.statements[done];
    throw failure(error, run.script, failed, fate, attempt);
  }
}

/** The file at once, with the transactions that it manages itself; what those committed stays when a later statement fails. */
async function runAsItIs(run: Run, statements: readonly Statement[], attempt: Attempt | undefined): Promise<void> {
  let done = 0;
  try {
    await send(run, run.script, (count) => (done = count));
  } catch (error) {
    await run.client.query("rollback").catch(() => undefined);
    const report = describeSqlError(error, run.script, statements[done]?.offset);
    // An error (not the end of the session) comes after the word of every statement that was completed before it.
    const inOrder = error instanceof pg.DatabaseError && error.severity === "ERROR";
    const unchanged = inOrder && !statements.slice(0, done).some(endsTransaction);
    throw new ScriptFailure(report, unchanged ? "aborted" : "partial", attempt, { cause: error });
  }
}

/** How long what a statement left may take to be dropped, in milliseconds: who was in its way may be in that one's, too. */
const clearingMs = 3_000;

/**
 * Each statement for itself; what the earlier ones did stays when a later one fails.
 *
 * @param ownTimeouts the file sets timeouts itself; ours are only those that it begins with.
 */
async function runEach(
  run: Run,
  statements: readonly Statement[],
  attempt: Attempt | undefined,
  ownTimeouts = false,
): Promise<void> {
  if (ownTimeouts) await setTimeouts(run, "ordinary");
  for (const [at, statement] of statements.entries()) {
    if (!ownTimeouts) await setTimeouts(run, timeoutClassOf(statement.node));
    const remains = await watchRemains(run.client, statement.node);
    // Should this process be killed, the server goes on with the statement; the next run looks what became of it.
    const resumable = attempt !== undefined && attempt.back !== true && statements.length === 1 && remains.own;
    if (resumable) await markAttempt(run.client, attempt, "alone");
    try {
      await send(run, statement.text, () => undefined);
    } catch (error) {
      await run.client.query("rollback").catch(() => undefined);
      await run.client.query(`set statement_timeout = ${clearingMs}`).catch(() => undefined);
      const cleared = await remains.cleared().catch(() => false);
      const unchanged = at === 0 && cleared;
      const report = shiftReport(describeSqlError(error, run.script, statement.offset), error, run.script, statement);
      const fate = unchanged ? "aborted" : resumable ? "resumable" : "partial";
      throw new ScriptFailure(report, fate, attempt, { cause: error });
    }
  }
}

function shiftReport(report: SqlErrorReport, error: unknown, script: string, { offset }: Statement): SqlErrorReport {
  const position = error instanceof pg.DatabaseError ? Number(error.position) : Number.NaN;
  if (!(position >= 1)) return report;
  const before = charactersOf(script, offset);
  const moved = Object.assign(new pg.DatabaseError(messageOf(error), 0, "error"), error, {
    position: String(position + before),
  });
  return describeSqlError(moved, script, offset);
}

async function setTimeouts({ client, options }: Run, kind: TimeoutClass, local = false): Promise<void> {
  const scope = local ? "set local" : "set";
  const { lock, statement } = timeoutsOf(kind, options);
  await client.query(`${scope} lock_timeout = ${lock}`);
  await client.query(`${scope} statement_timeout = ${statement}`);
  // Where a database gives up durability for speed, a crash would take a migration back that was reported as applied.
  await client.query(
    "select set_config('synchronous_commit', 'on', $1) where current_setting('synchronous_commit') = 'off'",
    [local],
  );
}

/**
 * Sends SQL as one simple query, which the server runs on this connection from the first statement to the last.
 *
 * @param onCount told how many statements are done, each time one is.
 */
async function send({ client, options }: Run, sql: string, onCount: (done: number) => void): Promise<number> {
  let done = 0;
  const count = (): void => onCount(++done);
  // pg tells only of the whole; which statement failed follows from how many were completed before.
  const connection: unknown = Reflect.get(client, "connection");
  const emitter = connection instanceof EventEmitter ? connection : undefined;
  const stopWatching = watchAbort(client, options.session, options.signal);
  emitter?.on("commandComplete", count);
  try {
    options.signal?.throwIfAborted();
    await client.query(sql);
    return done;
  } finally {
    emitter?.off("commandComplete", count);
    await stopWatching();
  }
}

function failure(
  error: unknown,
  script: string,
  failed: Statement | undefined,
  fate: Fate,
  attempt: Attempt | undefined,
): ScriptFailure {
  // Committed, though what was read of it cannot tell that it was the whole: see `parsed` of the plan.
  const told = fate === "committed" ? "partial" : fate;
  return new ScriptFailure(describeSqlError(error, script, failed?.offset), told, attempt, { cause: error });
}

function nothingSent(message: string, cause?: unknown): ScriptFailure {
  return new ScriptFailure(
    { sqlState: sqlState(cause), message, line: undefined, column: undefined, excerpt: "" },
    "aborted",
    undefined,
    { cause },
  );
}
