import type pg from "pg";
import type { Database, RehearsedMigration, RehearseRequest } from "../contracts.js";
import { PipelineError } from "../errors.js";
import type { Logger } from "../log.js";
import { withClient } from "../postgres/connection.js";
import { openReader } from "../postgres/readSession.js";
import { clearFailed } from "../prisma/apply.js";
import { compareHistory, readHistory } from "../prisma/history.js";
import { type Migration, type MigrationsFolder, readMigrations } from "../prisma/migrations.js";
import { type PrismaSchema, loadSchema } from "../prisma/schema.js";
import { settleInterrupted } from "../prisma/settle.js";
import type { Manifest } from "../store/manifest.js";
import { policyOf } from "../gate/policy.js";
import { reviewOnDatabase } from "../gate/review.js";
import { compareCatalogues, readCatalogue } from "./catalogue.js";
import { clusterStatements } from "./clusterWide.js";
import { holdsNothing } from "./fresh.js";
import type { Weights } from "./judged.js";
import { type Tools, applyToCopy, copyLockTimeoutMs, historyTables, rehearseOne } from "./one.js";
import { rehearseRolledBack } from "./rolledBack.js";
import { readSequenceStates } from "./sequences.js";
import { readShape } from "./shape.js";
import { tryMigration } from "./touched.js";
import { type Loss, undeclaredLoss } from "./undeclared.js";
import { assertUntouched } from "./untouched.js";
import { type Back, type Forward, notReached, rehearseBack } from "./wayBack.js";

export interface CopyOptions {
  /** The database that the backup was restored into. */
  readonly copy: Database;
  readonly manifest: Manifest;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Applies the pending migrations to the restored copy as `migrate` will apply them to the database, one after the other, and looks
 * after each what became of every value that was there.
 *
 * @throws PipelineError (`refused`) where one fails, or changes or loses data that it does not declare.
 */
export async function rehearseMigrations(
  request: RehearseRequest,
  options: CopyOptions,
): Promise<RehearsedMigration[]> {
  const { copy, log, signal } = options;
  const folder = await readMigrations(request.project.migrations);
  const schema = await loadSchema(request.project.schema, copy.schema);
  const pending = await pendingOnCopy(request, copy, folder, schema);
  const reader = await openComparer(copy);
  try {
    const losses: Loss[] = [];
    const tools = { copy, folder, schema, reader, losses, log, signal };
    const weights = {
      ...(await weigh(request, copy, folder, pending, reader)),
      fresh: holdsNothing(options.manifest.fingerprints, schema),
    };
    const first = await readShape(reader);
    const forth = await withLossesTold(losses, () => goForth(request, tools, weights, pending));
    const { rehearsed, forwards } = forth;
    const backs = await goBackAndForth(request, tools, forwards);
    const tables = new Set([
      ...historyTables(first, schema),
      ...[...forth.touched, ...backs].flatMap(({ touched }) => touched),
    ]);
    const largeObjects = [...forth.touched, ...backs].some((one) => one.largeObjects);
    await assertUntouched(reader, options.manifest.fingerprints, first, { tables, largeObjects });
    const told = rehearsed.map((one) => ({
      ...one,
      down: one.down ?? backs.find(({ name }) => name === one.name)?.result,
    }));
    const untold = told.filter(({ down }) => down === undefined).map(({ name }) => name);
    const untried = notReached(backs, untold, log);
    return told.map(({ down = untried, ...one }) => ({ ...one, down }));
  } finally {
    await reader.end().catch(() => undefined);
  }
}

/** Applies them to the copy; from the first one on that changes the whole cluster, in a transaction that is rolled back. */
async function goForth(request: RehearseRequest, tools: Tools, weights: Weights, pending: readonly Migration[]) {
  const { copy, schema, reader, losses, log, signal } = tools;
  const rehearsed: RehearsedMigration[] = [];
  const forwards: Forward[] = [];
  const touched: Pick<Back, "touched" | "largeObjects">[] = [];
  for (const [at, migration] of pending.entries()) {
    signal.throwIfAborted();
    log.progress(`rehearsing ${migration.name}`, 0.95 + (at / pending.length) * 0.05);
    const session = { database: copy, defaultSchema: schema.defaultSchema };
    const shown = clusterStatements(migration.sql).length > 0;
    const sequences = await readSequenceStates(reader);
    const trial = shown ? undefined : await tryMigration(session, migration, signal);
    if (shown || (trial !== undefined && trial.shared.length > 0)) {
      const history = new Set(historyTables(await readShape(reader), schema));
      const { statementTimeoutMs } = request.settings.migrate;
      const limits = { lockTimeoutMs: copyLockTimeoutMs, statementTimeoutMs };
      const rest = { session, limits, history, weights, losses, log, signal };
      rehearsed.push(...(await rehearseRolledBack(pending.slice(at), rest)));
      break;
    }
    const one = await rehearseOne(request, tools, weights, migration, { trial, sequences });
    touched.push(one);
    rehearsed.push(one.result);
    forwards.push(one.forward);
  }
  return { rehearsed, forwards, touched };
}

/** Lets the work go to its end, for all that is changed or lost undeclared to be told at once. */
async function withLossesTold<T>(losses: readonly Loss[], work: () => Promise<T>): Promise<T> {
  let done: T;
  try {
    done = await work();
  } catch (error) {
    // What comes after a loss may fail because of it: the loss is what has to be mended first.
    if (losses.length === 0 || !(error instanceof PipelineError && error.kind === "refused")) throw error;
    throw undeclaredLoss(losses, error);
  }
  if (losses.length > 0) throw undeclaredLoss(losses);
  return done;
}

async function pendingOnCopy(
  { project }: RehearseRequest,
  copy: Database,
  folder: MigrationsFolder,
  schema: PrismaSchema,
): Promise<readonly Migration[]> {
  const history = await withClient(copy, { applicationName: "safe-migration rehearse" }, async (client) => {
    const found = compareHistory(folder, await readHistory(client, schema));
    const settled = await settleInterrupted(client, folder, found.failed, schema);
    return settled.length === 0 ? found : compareHistory(folder, await readHistory(client, schema));
  });
  for (const { name } of history.failed) await clearFailed(copy, project, name);
  return history.pending;
}

/** The risk of the pending migrations, as the gate sees it on the copy: its data are the database's. */
async function weigh(
  request: RehearseRequest,
  copy: Database,
  folder: MigrationsFolder,
  pending: readonly Migration[],
  reader: pg.Client,
): Promise<Omit<Weights, "fresh">> {
  const { environment, settings } = request;
  const { rows } = await reader.query<{ major: number }>(
    "SELECT pg_catalog.current_setting('server_version_num')::int / 10000 AS major",
  );
  const names = new Set(pending.map(({ name }) => name));
  const { decisions } = await reviewOnDatabase({ ...request, database: copy }, folder, names, rows[0]?.major ?? 0);
  const { refusedAfterMs, maxRefusedMs } = settings.migrate;
  const { largeTableBytes } = settings.risk;
  return {
    decisions,
    policy: policyOf(environment, settings.risk),
    thresholds: { refusedAfterMs, maxRefusedMs, largeTableBytes },
  };
}

/** A session that keeps and compares values; it casts as a migration's session does, whose time zone counts. */
async function openComparer(copy: Database): Promise<pg.Client> {
  const reader = await openReader(copy, "safe-migration compare");
  await reader.query("RESET TimeZone");
  await reader.query("SET work_mem = '64MB'");
  return reader;
}

/**
 * The ways back, and forward once more, so that what is proved last is what will run.
 *
 * @throws PipelineError (`WRONG_DOWN`) for a wrong one, where the configuration refuses it.
 */
async function goBackAndForth(request: RehearseRequest, tools: Tools, forwards: readonly Forward[]): Promise<Back[]> {
  const { copy, schema, reader, log, signal } = tools;
  const { project } = request;
  const { statementTimeoutMs } = request.settings.migrate;
  const limits = { statementTimeoutMs, lockTimeoutMs: copyLockTimeoutMs, log, signal };
  const whole = await readCatalogue(reader);
  const backs = await rehearseBack(reader, forwards, { copy, project, schema, limits, log, signal });
  const wrong = backs.find(({ result }) => result.verdict === "wrong");
  if (wrong !== undefined && request.settings.rehearse.down === "refuse") throw wrongDown(wrong);
  const taken = backs.filter(({ result }) => result.verdict === "proved").toReversed();
  // A wrong one has left the copy in a state that no migration was written for.
  if (wrong !== undefined) return backs;
  for (const { name } of taken) await applyToCopy(request, tools, name);
  const differences = taken.length === 0 ? [] : compareCatalogues(whole, await readCatalogue(reader));
  if (differences.length > 0) throw unsteady(taken, differences);
  return backs;
}

function wrongDown({ name, result }: Back): PipelineError {
  return new PipelineError({
    code: "WRONG_DOWN",
    kind: "refused",
    message: `${name}/down.sql does not lead back to what was before ${name}:\n${result.problems.map((problem) => `  ${problem}`).join("\n")}`,
    state: "The database was not touched: both were only tried on a restored copy, which is dropped.",
    next: `Mend ${name}/down.sql, or remove it (the way back is then a restore), or accept it with rehearse.down: warn. Then run the same command.`,
  });
}

function unsteady(taken: readonly Back[], differences: readonly string[]): PipelineError {
  return new PipelineError({
    code: "REHEARSAL_UNSTEADY",
    kind: "refused",
    message: `Applied a second time, after their down.sql, ${taken.map(({ name }) => name).join(", ")} made another schema:\n${differences.map((one) => `  ${one}`).join("\n")}`,
    state: "The database was not touched: the migrations were only tried on a restored copy, which is dropped.",
    next: "Look at what the migrations depend on (what is there already), mend them, then run the same command.",
  });
}
