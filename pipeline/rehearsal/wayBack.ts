import type pg from "pg";
import type { Database, Project, RehearsedMigration } from "../contracts.js";
import { few } from "../few.js";
import type { Logger } from "../log.js";
import { type ApplyOptions, MigrationFailure } from "../prisma/apply.js";
import { type DownScript, describeNoDown, readDown } from "../prisma/down.js";
import type { Migration } from "../prisma/migrations.js";
import { type PulledSchema, diffPulled, pullSchema } from "../prisma/pulled.js";
import type { PrismaSchema } from "../prisma/schema.js";
import { takeBack } from "../prisma/takeBack.js";
import type { KeptTable } from "./before.js";
import { type Catalogue, compareCatalogues, readCatalogue } from "./catalogue.js";
import { clusterStatements, describeCluster } from "./clusterWide.js";
import { compareKept, keepTables, keptOids } from "./kept.js";
import { compareLargeObjects, keepLargeObjects } from "./largeObjects.js";
import { type Observed, describeObserved } from "./observed.js";
import { type SequenceState, compareSequenceStates, readSequenceStates } from "./sequences.js";
import { type Shapes, type TableShape, readShapes } from "./shape.js";
import { tryMigration } from "./touched.js";

/** A migration that was applied to the copy, and how the copy was before it. */
export interface Forward {
  readonly migration: Migration;
  readonly catalogue: Catalogue;
  /** As Prisma saw it; there where the migration has a `down.sql`. */
  readonly pulled: PulledSchema | undefined;
  readonly shapes: Shapes;
  readonly sequences: ReadonlyMap<number, SequenceState>;
  /** What it does to data, as declared. */
  readonly observed: readonly Observed[];
  /** The tables that it put rows into, as they were before it; kept for the way back. */
  readonly grown: readonly KeptTable[];
}

export interface Back {
  readonly name: string;
  readonly result: NonNullable<RehearsedMigration["down"]>;
  /** Numbers of the tables that it wrote to. */
  readonly touched: readonly number[];
  /** It may have written to large objects. */
  readonly largeObjects: boolean;
}

interface BackOptions {
  readonly copy: Database;
  readonly project: Pick<Project, "schema">;
  readonly schema: PrismaSchema;
  readonly limits: ApplyOptions;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** How many differences a result names. */
const most = 10;
/** Characters of Prisma's diff that are shown. */
const longest = 500;

/**
 * Takes the migrations of a rehearsal back, the newest first, as `db:rollback` does, and looks after each whether the schema is what it
 * was before the migration, and what data is still there that was there before.
 *
 * Ends at the first that has no way back, or a wrong one: those before it cannot be reached by SQL.
 */
export async function rehearseBack(
  reader: pg.Client,
  forwards: readonly Forward[],
  options: BackOptions,
): Promise<Back[]> {
  const backs: Back[] = [];
  for (const forward of forwards.toReversed()) {
    options.signal.throwIfAborted();
    const { name } = forward.migration;
    const down = await readDown(forward.migration);
    if (down === undefined) {
      const none = await describeNoDown(forward.migration);
      options.log.info(`${name} ${none}: the only way back is to restore a backup`);
      backs.push({ name, result: { verdict: "absent", problems: [`it ${none}`] }, ...nothing });
      break;
    }
    const back = await takeOneBack(reader, forward, down, options);
    backs.push(back);
    if (back.result.verdict !== "proved") break;
  }
  return backs;
}

/** What is said of the migrations before the one at which {@link rehearseBack} ended. */
export function notReached(backs: readonly Back[], names: readonly string[], log: Logger): Back["result"] {
  const barrier = backs.find(({ result }) => result.verdict !== "proved");
  const why = barrier?.result.verdict === "wrong" ? "has a wrong one" : (barrier?.result.problems[0] ?? "has none");
  const problem = `not tried, as nothing leads back over ${barrier?.name ?? "a newer one"}: ${why}`;
  if (names.length > 0) log.warn(`${few(names)}: no way back from there is proved; it was ${problem}`);
  return { verdict: "untried", problems: [problem] };
}

const nothing = { touched: [], largeObjects: false } as const;

async function takeOneBack(reader: pg.Client, forward: Forward, down: DownScript, options: BackOptions): Promise<Back> {
  const { migration, shapes, observed } = forward;
  const { copy, schema, limits, log, signal } = options;
  const { name } = migration;
  const wrong = (problems: readonly string[], touched: Pick<Back, "touched" | "largeObjects"> = nothing): Back => {
    for (const problem of problems) log.warn(`${name}/down.sql: ${problem}`);
    return { name, result: { verdict: "wrong", problems: problems.slice(0, most) }, ...touched };
  };
  const sequences = await readSequenceStates(reader);
  if (down.plan.kind === "refused") return wrong([`${down.plan.reason}. ${down.plan.remedy}`]);
  const shown = clusterStatements(down.sql);
  const trial =
    shown.length > 0
      ? undefined
      : await tryMigration({ database: copy, defaultSchema: schema.defaultSchema }, down, signal);
  const shared = shown.length > 0 ? describeCluster(shown) : trial?.shared.join(", ");
  if (shared !== undefined && shared !== "") {
    const problem = `not run in the rehearsal, as it changes the whole cluster: ${shared}`;
    log.warn(`${name}/down.sql: ${problem}`);
    return { name, result: { verdict: "untried", problems: [problem] }, ...nothing };
  }
  const now = await readShapes(reader);
  const assumed = down.plan.kind === "alone" ? [] : [...now.tables.keys()];
  const written = down.plan.kind === "transaction" && trial !== undefined ? [...trial.touched] : assumed;
  // What the migration itself has made is its own to take away.
  const there = written.filter((oid) => shapes.tables.has(oid));
  const grown = forward.grown.filter((one) => keptOids([one]).some((oid) => there.includes(oid)));
  const held = keptOids(grown);
  const kept = [
    ...grown,
    ...(await keepTables(
      reader,
      there.filter((oid) => !held.includes(oid)),
      now,
    )),
  ];
  const largeObjects = trial?.largeObjects ?? down.plan.kind !== "alone";
  if (largeObjects) await keepLargeObjects(reader);
  const touched = { touched: keptOids(kept), largeObjects };
  let durationMs: number;
  try {
    ({ durationMs } = await takeBack(copy, name, down, limits));
  } catch (error) {
    if (!(error instanceof MigrationFailure)) throw error;
    signal.throwIfAborted();
    return wrong([`fails: ${error.message}`], touched);
  }
  const after = await readShapes(reader);
  const lost: Observed[] = (await compareKept(reader, kept, after)).flatMap(({ kept: { shape }, seen }) =>
    // Held against what was there before the migration, what that has dropped, as declared, is not there either.
    seen.filter(
      (one) =>
        wasThere(one, shape, shapes) &&
        !undoes(
          one,
          observed,
          grown.some((table) => table.shape === shape),
        ),
    ),
  );
  const beside = [
    ...(largeObjects ? await compareLargeObjects(reader) : []),
    // What the migration itself has made is its own to take away.
    ...(await compareSequenceStates(reader, new Map([...sequences].filter(([oid]) => forward.sequences.has(oid))))),
  ];
  lost.push(...beside.filter((one) => !undoes(one, observed)));
  const problems = [
    ...(await compareSchemas(reader, forward, options)),
    ...lost.map((one) => `loses what was there before the migration: ${describeObserved(one)}`),
  ];
  if (problems.length > 0) return wrong(problems, touched);
  const gone = observed.map(describeObserved);
  log.info(
    `${name}/down.sql leads back to the schema before it${gone.length === 0 ? ", with all data" : `; what it does not bring back: ${gone.join("; ")}`}`,
    { ms: durationMs },
  );
  return { name, result: { verdict: "proved", checksum: down.checksum, durationMs, problems: [] }, ...touched };
}

/** In what the schema is not the one before the migration: as PostgreSQL's catalogue has it, and as Prisma sees it. */
async function compareSchemas(
  reader: pg.Client,
  { catalogue, pulled }: Forward,
  { copy, project, schema }: BackOptions,
): Promise<string[]> {
  const byCatalogue = compareCatalogues(catalogue, await readCatalogue(reader));
  if (pulled === undefined) return byCatalogue;
  const script = await diffPulled(await pullSchema(copy, project, schema), pulled);
  if (script === "") return byCatalogue;
  const short = script.length > longest ? `${script.slice(0, longest)}…` : script;
  return [...byCatalogue, `by Prisma's diff, this is still to be done to be as before: ${short.replace(/\s+/g, " ")}`];
}

/** Whether this column was there before the migration; a table that is told of always was. */
function wasThere({ names }: Observed, now: TableShape, { tables, parted }: Shapes): boolean {
  const column = names[0]?.column;
  if (column === undefined) return true;
  const number = now.columns.find(({ name }) => name === column)?.number;
  const before = (now.partedBy === null ? tables : parted).get(now.oid);
  return before?.columns.some((one) => one.number === number) === true;
}

/** A value that the migration has changed as it declares may change once more on the way back, and rows it has added may go. */
function undoes({ effect, names }: Observed, observed: readonly Observed[], sinceBefore = false): boolean {
  if (effect === "drops" && !sinceBefore) return false;
  return observed.some((forward) => {
    if (effect === "drops" && forward.effect !== "drops") return false;
    return forward.names.some((one) => names.some((other) => JSON.stringify(one) === JSON.stringify(other)));
  });
}
