import type pg from "pg";
import { z } from "zod";
import { type Column, columnText, columnValue } from "../postgres/columnImage.js";
import { sqlState } from "../postgres/connection.js";
import { listColumns } from "../postgres/fingerprintCatalogue.js";
import { type KeptTable, partsOf, rowsOf } from "./before.js";
import type { Named } from "./declarations.js";
import type { Observed } from "./observed.js";
import type { Shapes, TableShape } from "./shape.js";

/** A column that is there before and after, whatever its name and type are now. */
interface Survivor {
  readonly number: number;
  readonly before: Column;
  readonly after: Column;
  readonly retyped: boolean;
  /** Its type before, as SQL. */
  readonly type: string;
}

/**
 * What became of the rows of a table: columns and rows that are gone, and values that are others. Rows are told apart by the
 * table's key where all its columns are still there; otherwise only how many of them are as they were is known. Of a partitioned table
 * it does not matter which of its parts a row is in.
 *
 * A value of a column whose type changed is the same if it is written the same, or if, cast back, it is what it was.
 */
export async function compareTable(client: pg.ClientBase, kept: KeptTable, shapes: Shapes): Promise<Observed[]> {
  const { shape } = kept;
  const now = (shape.partedBy === null ? shapes.tables : shapes.parted).get(shape.oid);
  if (now === undefined) return seen("drops", [{ schema: shape.schema, table: shape.name }], kept.rows);
  const named = (await listColumns(client, [now.oid])).get(now.oid) ?? [];
  const after: After = { shape: now, shapes, rows: rowsOf(now, partsOf(now, shapes), named) };
  const survivors = survivorsOf(kept, now, named);
  const there = new Set(now.columns.map(({ number }) => number));
  const dropped = shape.columns
    .filter(({ number }) => !there.has(number))
    .flatMap(({ number, name }) => seen("drops", [columnName(shape, name)], kept.values.get(number) ?? 0));
  const { changed, lost, lostOf } = await countChanges(client, kept, after, survivors);
  const changes = survivors.flatMap(({ number, before, after: column }) =>
    seen("changes", [columnName(shape, before.name), columnName(now, column.name)], changed.get(number) ?? 0),
  );
  return [...dropped, ...changes, ...deletions(kept, after, lost, lostOf)];
}

/** A table as it is now. */
interface After {
  readonly shape: TableShape;
  readonly shapes: Shapes;
  /** What its rows are read from, as SQL. */
  readonly rows: string;
}

/** Rows that are gone; of a partitioned table with the parts that were dropped or taken out of it, and had them. */
function deletions(
  { shape, parts }: KeptTable,
  after: After,
  lost: number,
  lostOf: ReadonlyMap<number, number>,
): Observed[] {
  const gone = parts.flatMap((part): Observed[] => {
    const rows = lostOf.get(part.oid) ?? 0;
    const now = after.shapes.tables.get(part.oid);
    const own = { schema: part.schema, table: part.name };
    if (now === undefined) return seen("drops", [own], rows);
    if (now.partOf.includes(shape.oid)) return [];
    return seen("deletes", [...tableNames(shape, after), own], rows).map((one) => ({
      ...one,
      detached: `${part.schema}.${part.name}`,
    }));
  });
  const rest = lost - gone.reduce((sum, { rows }) => sum + rows, 0);
  return [...gone, ...seen("deletes", tableNames(shape, after), Math.max(0, rest))];
}

function tableNames(before: TableShape, after: After): Named[] {
  return [before, after.shape].map(({ schema, name: table }) => ({ schema, table }));
}

function columnName({ schema, name: table }: TableShape, column: string): Named {
  return { schema, table, column };
}

function seen(effect: Observed["effect"], names: readonly Named[], rows: number): Observed[] {
  return rows === 0 ? [] : [{ effect, names, rows }];
}

function survivorsOf(kept: KeptTable, after: TableShape, named: readonly Column[]): Survivor[] {
  return after.columns.flatMap(({ number, name, type }): Survivor[] => {
    const before = kept.columns.get(number);
    const now = named.find((column) => column.name === name);
    const was = kept.shape.columns.find((column) => column.number === number);
    if (before === undefined || now === undefined || was === undefined) return [];
    return [{ number, before, after: now, retyped: was.type !== type, type: was.type }];
  });
}

interface Changes {
  /** Rows by the number of the column. */
  readonly changed: ReadonlyMap<number, number>;
  readonly lost: number;
  /** Of a partitioned table, by the number of the part that had them; only of parts that are not there any more, or all. */
  readonly lostOf: ReadonlyMap<number, number>;
}

/** Why PostgreSQL cannot cast a value back: no such cast, no such type any more, or this value does not go through it. */
const notCastable = /^(42846|42704|42883|22...|23514)$/;

async function countChanges(
  client: pg.ClientBase,
  kept: KeptTable,
  after: After,
  survivors: readonly Survivor[],
): Promise<Changes> {
  const retyped = survivors.filter((survivor) => survivor.retyped).map(({ number }) => number);
  const castable = new Set<number>();
  // Each by itself: that one cannot be cast back says nothing about the others.
  for (const number of retyped) {
    const only = survivors.find((survivor) => survivor.number === number);
    if (only !== undefined && (await castsBack(client, after, only))) castable.add(number);
  }
  const key = await keyOf(client, kept, after, survivors, castable);
  return key === undefined
    ? countWithoutKey(client, kept, after, survivors, castable)
    : countByKey(client, kept, after, survivors, castable, key);
}

/**
 * The columns by which rows are told apart, where they are all still there. The key of a partitioned table has the columns that it is
 * parted by in it: where the others tell rows apart, before and now, one that is put into another part is still the same row.
 */
async function keyOf(
  client: pg.ClientBase,
  { shape, copy, ...kept }: KeptTable,
  after: After,
  survivors: readonly Survivor[],
  castBack: ReadonlySet<number>,
): Promise<readonly Survivor[] | undefined> {
  const whole = survivors.filter(({ number }) => shape.key?.includes(number) === true);
  if (shape.key === null || whole.length < shape.key.length) return undefined;
  const own = whole.filter(({ number }) => shape.partedBy?.includes(number) !== true);
  if (own.length === 0 || own.length === whole.length) return whole;
  const twice = async (values: readonly string[], from: string) => {
    const { rowCount } = await client.query(
      `SELECT FROM ${from} GROUP BY ${values.map((one) => `(${one})`).join(", ")} HAVING count(*) > 1 LIMIT 1`,
    );
    return rowCount !== 0;
  };
  const before = own.map(({ number }) => kept.value(number));
  const now = own.map((survivor) => valueNow(survivor, castBack));
  return (await twice(before, `pg_temp.${copy} b`)) || (await twice(now, `${after.rows} AS t`)) ? whole : own;
}

async function castsBack(client: pg.ClientBase, after: After, survivor: Survivor): Promise<boolean> {
  // In a transaction the error must not be the end of it.
  const open = client.getTransactionStatus() === "T";
  if (open) await client.query("SAVEPOINT cast_back");
  try {
    await client.query(`SELECT count(${castBackText(survivor)}) FROM ${after.rows} AS t`);
    return true;
  } catch (error) {
    if (!notCastable.test(sqlState(error) ?? "")) throw error;
    if (open) await client.query("ROLLBACK TO SAVEPOINT cast_back");
    return false;
  }
}

/** A value of now, cast to its type before and written as that. */
function castBackText({ before, after, type }: Survivor): string {
  const { domainOver: _domain, ...plain } = before;
  const back = `((${columnValue(after)})::${type})`;
  return `pg_catalog.textin(${plain.type.output}(${back}))`;
}

function valueNow(survivor: Survivor, castBack: ReadonlySet<number>): string {
  return castBack.has(survivor.number) ? castBackText(survivor) : columnText(survivor.after);
}

/** The value of now in the way in which the one before, `was`, is kept. */
function imageNow(survivor: Survivor, was: string, castBack: ReadonlySet<number>): string {
  const { number, after } = survivor;
  const now = `(${columnText(after)}) COLLATE "C"`;
  if (!castBack.has(number)) return now;
  return `CASE WHEN ${was} = ${now} THEN ${was} ELSE (${castBackText(survivor)}) COLLATE "C" END`;
}

function kind({ before, after }: Survivor): string {
  return `${before.type.name} ${after.type.name}`;
}

function differs(survivor: Survivor, column: string, castBack: ReadonlySet<number>): string {
  // Spaces and the order of keys are no data of a JSON document.
  if (kind(survivor) === "json jsonb")
    return `(${column}::jsonb)::text IS DISTINCT FROM ${columnText(survivor.after)} COLLATE "C"`;
  return `${column} IS DISTINCT FROM ${imageNow(survivor, column, castBack)}`;
}

const numbers = z.tuple([z.record(z.string(), z.coerce.number())]);

async function countByKey(
  client: pg.ClientBase,
  kept: KeptTable,
  after: After,
  survivors: readonly Survivor[],
  castBack: ReadonlySet<number>,
  key: readonly Survivor[],
): Promise<Changes> {
  const on = key
    .map((survivor) => `${kept.value(survivor.number)} = (${valueNow(survivor, castBack)}) COLLATE "C"`)
    .join(" AND ");
  const wanted = survivors.map(
    (survivor) =>
      `count(*) FILTER (WHERE ${differs(survivor, kept.value(survivor.number), castBack)}) AS c${survivor.number}`,
  );
  const { rows } = await client.query(
    `SELECT count(*) AS found, ${wanted.join(", ")} FROM pg_temp.${kept.copy} b JOIN ${after.rows} t ON ${on}`,
  );
  const [found] = numbers.parse(rows);
  const changed = new Map(survivors.map(({ number }) => [number, found[`c${number}`] ?? 0]));
  const lost = Math.max(0, kept.rows - (found["found"] ?? 0));
  if (lost === 0 || kept.parts.length === 0) return { changed, lost, lostOf: new Map() };
  const { rows: byPart } = await client.query(
    `SELECT b.part, count(*)::float8 AS rows FROM pg_temp.${kept.copy} b
      WHERE NOT EXISTS (SELECT FROM ${after.rows} t WHERE ${on}) GROUP BY 1`,
  );
  return { changed, lost, lostOf: new Map(lostRows.parse(byPart).map(({ part, rows: count }) => [part, count])) };
}

const lostRows = z.array(z.strictObject({ part: z.int(), rows: z.number() }));

/** Rows that are not there any more as they were, for the whole and for each column by itself. */
async function countWithoutKey(
  client: pg.ClientBase,
  kept: KeptTable,
  after: After,
  survivors: readonly Survivor[],
  castBack: ReadonlySet<number>,
): Promise<Changes> {
  const { rows: counted } = await client.query(`SELECT count(*) AS rows FROM ${after.rows} AS t`);
  const lost = Math.max(0, kept.rows - (numbers.parse(counted)[0]["rows"] ?? 0));
  const missing = async (columns: readonly Survivor[], part?: TableShape): Promise<number> => {
    if (columns.length === 0) return 0;
    const was = columns.map(({ number }) => kept.value(number)).join(", ");
    const now = columns.map((survivor) => `(${valueNow(survivor, castBack)}) COLLATE "C"`);
    const { rows } = await client.query(
      `SELECT count(*) AS missing FROM (SELECT ${was} FROM pg_temp.${kept.copy} b${part === undefined ? "" : ` WHERE part = ${part.oid}`}
         EXCEPT ALL SELECT ${now.join(", ")} FROM ${after.rows} AS t) gone`,
    );
    return numbers.parse(rows)[0]["missing"] ?? 0;
  };
  const others = async (columns: readonly Survivor[]) => Math.max(0, (await missing(columns)) - lost);
  const whole = await others(survivors);
  const changed = new Map<number, number>();
  if (whole > 0) {
    for (const survivor of survivors) changed.set(survivor.number, await others([survivor]));
    // Values that rows have exchanged: no column by itself shows it.
    if ([...changed.values()].every((rows) => rows === 0))
      for (const { number } of survivors) changed.set(number, whole);
  }
  const lostOf = new Map<number, number>();
  let rest = lost;
  for (const part of kept.parts) {
    if (rest === 0 || after.shapes.tables.get(part.oid)?.partOf.includes(kept.shape.oid) === true) continue;
    const rows = Math.min(rest, await missing(survivors, part));
    lostOf.set(part.oid, rows);
    rest -= rows;
  }
  return { changed, lost, lostOf };
}
