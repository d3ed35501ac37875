import type pg from "pg";
import type { Database, RehearsedMigration, RehearseRequest } from "../contracts.js";
import type { Logger } from "../log.js";
import { MigrationFailure, applyMigration } from "../prisma/apply.js";
import { readDown } from "../prisma/down.js";
import { historyTable } from "../prisma/history.js";
import type { Migration, MigrationsFolder } from "../prisma/migrations.js";
import { lineOf } from "../prisma/plan.js";
import { pullSchema } from "../prisma/pulled.js";
import type { PrismaSchema } from "../prisma/schema.js";
import { readCatalogue } from "./catalogue.js";
import { type Seen, type Weights, rehearsalFailed, tell, unexpected } from "./judged.js";
import { compareAndHold, compareKept, keepTables, keptOids } from "./kept.js";
import { compareLargeObjects, keepLargeObjects } from "./largeObjects.js";
import { nameOf, takenLocks } from "./locks.js";
import type { Observed } from "./observed.js";
import { type SampledLocks, sampleLocks } from "./sampleLocks.js";
import { type SequenceState, compareSequenceStates } from "./sequences.js";
import { type TableShape, readShapes } from "./shape.js";
import { type StatementEvidence, type Trial, changedForm } from "./touched.js";
import type { Loss } from "./undeclared.js";
import type { Forward } from "./wayBack.js";

/** With what a migration is applied to the copy. */
export interface Tools {
  readonly copy: Database;
  readonly folder: MigrationsFolder;
  readonly schema: PrismaSchema;
  /** A session that keeps and compares values. */
  readonly reader: pg.Client;
  /** What is changed or lost undeclared is added to it. */
  readonly losses: Loss[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Numbers of Prisma's own table. */
export function historyTables(shape: ReadonlyMap<number, TableShape>, { defaultSchema }: PrismaSchema): number[] {
  const own = [...shape.values()].filter(({ schema, name }) => schema === defaultSchema && name === historyTable);
  return own.map(({ oid }) => oid);
}

/** What was looked at before a migration was applied. */
interface Before {
  /** `undefined`: it could not be tried. */
  readonly trial: Trial | undefined;
  /** Where the sequences stood before it was tried. */
  readonly sequences: ReadonlyMap<number, SequenceState>;
}

export interface Rehearsed {
  readonly result: RehearsedMigration;
  readonly forward: Forward;
  /** Numbers of the tables that it may have written to. */
  readonly touched: readonly number[];
  /** It may have written to large objects. */
  readonly largeObjects: boolean;
}

/**
 * Applies one migration to the copy, for good, and looks what became of every value, which locks it took and what it wrote anew.
 *
 * @throws PipelineError (`refused`) where it fails.
 */
export async function rehearseOne(
  request: RehearseRequest,
  tools: Tools,
  weights: Weights,
  migration: Migration,
  { trial, sequences }: Before,
): Promise<Rehearsed> {
  const { name, plan } = migration;
  const { schema, reader, log } = tools;
  const down = await readDown(migration);
  const pulled = down === undefined ? undefined : await pullSchema(tools.copy, request.project, schema);
  const shapes = await readShapes(reader);
  const before = shapes.tables;
  const catalogue = await readCatalogue(reader);
  const history = new Set(historyTables(before, schema));
  // One statement outside a transaction (an index, VACUUM) writes to no row; of others that were not tried anything may come.
  const assumed = plan.kind === "alone" ? [] : [...before.keys()];
  const written = trial === undefined || plan.kind !== "transaction" ? assumed : [...trial.touched];
  const own = written.filter((oid) => !history.has(oid));
  const kept = await keepTables(reader, own, shapes, trial?.detached);
  const largeObjects = trial?.largeObjects ?? plan.kind !== "alone";
  if (largeObjects) await keepLargeObjects(reader);
  const run = () => applyToCopy(request, tools, name);
  const { made, sampled } =
    trial === undefined ? await sampleLocks(tools.copy, run) : { made: await run(), sampled: undefined };
  const { durationMs } = made;
  const now = await readShapes(reader);
  const after = now.tables;
  const { compared, grown } =
    down === undefined
      ? { compared: await compareKept(reader, kept, now), grown: [] }
      : await compareAndHold(reader, kept, now, tools.folder.migrations.indexOf(migration));
  const observed: Observed[] = compared.flatMap(({ seen }) => seen);
  if (largeObjects) observed.push(...(await compareLargeObjects(reader)));
  observed.push(...(await compareSequenceStates(reader, sequences)));
  const touched = keptOids(kept);
  const missed = [...before.values()].filter((shape) => {
    const { oid } = shape;
    return !history.has(oid) && !touched.includes(oid) && changedForm(shape, after.get(oid));
  });
  if (missed.length > 0) throw unexpected(name, missed);
  const statements =
    sampled === undefined ? trial?.statements : asAWhole(migration, before, after, durationMs, sampled);
  const seen: Seen = { observed, statements, wrote: kept.length > 0, durationMs };
  const { result, declared } = tell(migration, seen, weights, tools.losses, log);
  const forward = { migration, catalogue, pulled, shapes, sequences, observed: declared, grown };
  return { result, forward, touched, largeObjects };
}

/** On a copy nobody waits behind a lock; autovacuum gives way to one who has waited for `deadlock_timeout`, a second by default. */
export const copyLockTimeoutMs = 30_000;

/** @throws PipelineError (`refused`) where it fails. */
export async function applyToCopy(
  request: RehearseRequest,
  { copy, folder, schema, log, signal }: Tools,
  name: string,
): Promise<{ durationMs: number }> {
  const { statementTimeoutMs } = request.settings.migrate;
  const { environment, project } = request;
  const options = { lockTimeoutMs: copyLockTimeoutMs, statementTimeoutMs, log, schema, environment, signal };
  try {
    return await applyMigration(copy, project, folder, name, options);
  } catch (error) {
    if (!(error instanceof MigrationFailure)) throw error;
    signal.throwIfAborted();
    throw rehearsalFailed(name, error.message, undefined, error);
  }
}

/** Of a migration that could not be tried: what a session beside it saw of its locks, and what is another file since. */
function asAWhole(
  { sql, plan }: Migration,
  before: ReadonlyMap<number, TableShape>,
  after: ReadonlyMap<number, TableShape>,
  durationMs: number,
  { locks, heldMs }: SampledLocks,
): StatementEvidence[] {
  const taken = takenLocks(before, new Map(), locks);
  const all = { durationMs, heldMs: Math.max(0, ...taken.map(({ oid }) => heldMs.get(oid) ?? 0)), locks: taken };
  const rewritten = [...before.values()].filter(({ oid, file }) => (after.get(oid)?.file ?? file) !== file);
  const dropped = [...before.values()].flatMap(({ oid, schema, name, columns }) => {
    const now = after.get(oid);
    if (now === undefined) return [`${schema}.${name}`];
    const there = new Set(now.columns.map(({ number }) => number));
    return columns.filter(({ number }) => !there.has(number)).map((column) => `${schema}.${name}.${column.name}`);
  });
  const line = plan.kind === "alone" ? lineOf(sql, plan.statement.offset) : 0;
  // How big they are is not asked: what is known of such a migration is for how long it kept others out.
  return [{ line, ...all, rewritten: rewritten.map(({ oid }) => ({ table: nameOf(before, oid), bytes: 0 })), dropped }];
}
