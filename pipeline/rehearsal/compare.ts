import type pg from "pg";
import { z } from "zod";
import { type Column, columnText, columnValue } from "../postgres/columnImage.js";
import { sqlState } from "../postgres/connection.js";
import { listColumns } from "../postgres/fingerprintCatalogue.js";
import { type KeptTable, sqlName } from "./before.js";
import type { Named } from "./declarations.js";
import type { Observed } from "./observed.js";
import type { TableShape } from "./shape.js";

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
 * table's key where all its columns are still there; otherwise only how many of them are as they were is known.
 *
 * A value of a column whose type changed is the same if it is written the same, or if, cast back, it is what it was.
 */
export async function compareTable(
  client: pg.ClientBase,
  kept: KeptTable,
  after: TableShape | undefined,
): Promise<Observed[]> {
  const { shape } = kept;
  if (after === undefined) return seen("drops", [{ schema: shape.schema, table: shape.name }], kept.rows);
  const survivors = await survivorsOf(client, kept, after);
  const there = new Set(after.columns.map(({ number }) => number));
  const dropped = shape.columns
    .filter(({ number }) => !there.has(number))
    .flatMap(({ number, name }) => seen("drops", [columnName(shape, name)], kept.values.get(number) ?? 0));
  const { changed, lost } = await countChanges(client, kept, after, survivors);
  const changes = survivors.flatMap(({ number, before, after: now }) =>
    seen("changes", [columnName(shape, before.name), columnName(after, now.name)], changed.get(number) ?? 0),
  );
  const tables = [shape, after].map(({ schema, name: table }) => ({ schema, table }));
  return [...dropped, ...changes, ...seen("deletes", tables, lost)];
}

function columnName({ schema, name: table }: TableShape, column: string): Named {
  return { schema, table, column };
}

function seen(effect: Observed["effect"], names: readonly Named[], rows: number): Observed[] {
  return rows === 0 ? [] : [{ effect, names, rows }];
}

async function survivorsOf(client: pg.ClientBase, kept: KeptTable, after: TableShape): Promise<Survivor[]> {
  const named = (await listColumns(client, [after.oid])).get(after.oid) ?? [];
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
}

/** Why PostgreSQL cannot cast a value back: no such cast, no such type any more, or this value does not go through it. */
const notCastable = /^(42846|42704|42883|22...|23514)$/;

async function countChanges(
  client: pg.ClientBase,
  kept: KeptTable,
  after: TableShape,
  survivors: readonly Survivor[],
): Promise<Changes> {
  const count = (castBack: ReadonlySet<number>) => {
    const whole = kept.shape.key?.every((number) => survivors.some((survivor) => survivor.number === number)) === true;
    return whole
      ? countByKey(client, kept, after, survivors, castBack)
      : countWithoutKey(client, kept, after, survivors, castBack);
  };
  const retyped = survivors.filter((survivor) => survivor.retyped).map(({ number }) => number);
  const castable = new Set<number>();
  // Each by itself: that one cannot be cast back says nothing about the others.
  for (const number of retyped) {
    const only = survivors.find((survivor) => survivor.number === number);
    if (only !== undefined && (await castsBack(client, after, only))) castable.add(number);
  }
  return count(castable);
}

async function castsBack(client: pg.ClientBase, after: TableShape, survivor: Survivor): Promise<boolean> {
  // In a transaction the error must not be the end of it.
  const open = client.getTransactionStatus() === "T";
  if (open) await client.query("SAVEPOINT cast_back");
  try {
    await client.query(`SELECT count(${castBackText(survivor)}) FROM ONLY ${sqlName(after)} AS t`);
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

/** The value of now in the way in which the one before is kept. */
function imageNow(survivor: Survivor, castBack: ReadonlySet<number>): string {
  const { number, after } = survivor;
  const now = `(${columnText(after)}) COLLATE "C"`;
  if (!castBack.has(number)) return now;
  return `CASE WHEN b.c${number} = ${now} THEN b.c${number} ELSE (${castBackText(survivor)}) COLLATE "C" END`;
}

function kind({ before, after }: Survivor): string {
  return `${before.type.name} ${after.type.name}`;
}

function differs(survivor: Survivor, castBack: ReadonlySet<number>): string {
  const column = `b.c${survivor.number}`;
  // Spaces and the order of keys are no data of a JSON document.
  if (kind(survivor) === "json jsonb")
    return `(${column}::jsonb)::text IS DISTINCT FROM ${columnText(survivor.after)} COLLATE "C"`;
  return `${column} IS DISTINCT FROM ${imageNow(survivor, castBack)}`;
}

const numbers = z.tuple([z.record(z.string(), z.coerce.number())]);

async function countByKey(
  client: pg.ClientBase,
  kept: KeptTable,
  after: TableShape,
  survivors: readonly Survivor[],
  castBack: ReadonlySet<number>,
): Promise<Changes> {
  const key = kept.shape.key ?? [];
  const on = survivors
    .filter(({ number }) => key.includes(number))
    .map((survivor) => `b.c${survivor.number} = (${valueNow(survivor, castBack)}) COLLATE "C"`);
  const wanted = survivors.map(
    (survivor) => `count(*) FILTER (WHERE ${differs(survivor, castBack)}) AS c${survivor.number}`,
  );
  const { rows } = await client.query(
    `SELECT count(*) AS found, ${wanted.join(", ")}
       FROM pg_temp.${kept.copy} b JOIN ONLY ${sqlName(after)} t ON ${on.join(" AND ")}`,
  );
  const [found] = numbers.parse(rows);
  const changed = new Map(survivors.map(({ number }) => [number, found[`c${number}`] ?? 0]));
  return { changed, lost: Math.max(0, kept.rows - (found["found"] ?? 0)) };
}

/** Rows that are not there any more as they were, for the whole and for each column by itself. */
async function countWithoutKey(
  client: pg.ClientBase,
  kept: KeptTable,
  after: TableShape,
  survivors: readonly Survivor[],
  castBack: ReadonlySet<number>,
): Promise<Changes> {
  const { rows: counted } = await client.query(`SELECT count(*) AS rows FROM ONLY ${sqlName(after)}`);
  const lost = Math.max(0, kept.rows - (numbers.parse(counted)[0]["rows"] ?? 0));
  const missing = async (columns: readonly Survivor[]): Promise<number> => {
    if (columns.length === 0) return 0;
    const was = columns.map(({ number }) => `c${number}`).join(", ");
    const now = columns.map((survivor) => `(${valueNow(survivor, castBack)}) COLLATE "C"`);
    const { rows } = await client.query(
      `SELECT count(*) AS missing FROM (SELECT ${was} FROM pg_temp.${kept.copy}
         EXCEPT ALL SELECT ${now.join(", ")} FROM ONLY ${sqlName(after)} AS t) gone`,
    );
    return Math.max(0, (numbers.parse(rows)[0]["missing"] ?? 0) - lost);
  };
  const whole = await missing(survivors);
  const changed = new Map<number, number>();
  if (whole > 0) {
    for (const survivor of survivors) changed.set(survivor.number, await missing([survivor]));
    // Values that rows have exchanged: no column by itself shows it.
    if ([...changed.values()].every((rows) => rows === 0))
      for (const { number } of survivors) changed.set(number, whole);
  }
  return { changed, lost };
}
