import type pg from "pg";
import { z } from "zod";
import { PipelineError } from "../errors.js";
import { few } from "../few.js";
import { type DataColumn, type Looked, nameOf, statisticsFrom, valuesFrom } from "./columns.js";

/** Texts that are shorter are looked for in their own column only: everywhere else they are found by chance. */
const longEnough = 6;
/** How many columns a message names. */
const named = 10;

/** By its bytes, whatever the column's collation takes for equal. 64 bits: two different values in 2^64 pairs have one. */
const hash = `hashtextextended(x.v COLLATE "C", 0)`;
const noted = "pg_temp.originals";

/**
 * Notes what the declared columns hold, as hashes in a temporary table of this session.
 *
 * @returns how many different values that are.
 */
export async function noteOriginals(client: pg.ClientBase, { declared }: Looked): Promise<number> {
  await client.query(`CREATE TEMPORARY TABLE originals (number int, hash bigint, long boolean)`);
  let values = 0;
  for (const [number, column] of declared.entries()) {
    const long = column.holds === "other" ? "false" : `length(x.v) >= ${longEnough}`;
    const { rowCount } = await client.query(
      `INSERT INTO ${noted} SELECT DISTINCT ${number}, ${hash}, ${long} FROM ${valuesFrom(column)} WHERE x.v <> ''`,
    );
    values += rowCount ?? 0;
  }
  await client.query(`ANALYZE ${noted}`);
  return values;
}

/**
 * Looks for the noted values: in the columns that they were in, and, where they are long enough to be told from chance, in every
 * other column with text.
 *
 * @throws PipelineError (`failedUnchanged`) naming the columns in which there are some, and how many rows; never a value.
 */
export async function assertGone(client: pg.ClientBase, file: string, looked: Looked): Promise<void> {
  const left = await found(client, looked, valuesFrom);
  if (left === undefined) return;
  throw new PipelineError({
    code: "NOT_ANONYMISED",
    kind: "failedUnchanged",
    message: `${file} leaves values of the original behind: ${left}.`,
    state: "The database is as it was; what was restored beside it is dropped, and nobody could connect to it.",
    next: `Change them in ${file} as well; a column in which they may be found by chance is declared with a comment: -- keeps: table.column   then run the same command.`,
  });
}

/**
 * Looks for the same in what the planner's statistics have kept of these columns.
 *
 * @throws PipelineError (`failedUnchanged`) naming the columns, and how many values; never a value.
 */
export async function assertForgotten(client: pg.ClientBase, looked: Looked): Promise<void> {
  const left = await found(client, looked, statisticsFrom);
  if (left === undefined) return;
  throw new PipelineError({
    code: "STATISTICS_KEPT",
    kind: "failedUnchanged",
    message: `The planner's statistics have kept values of the original: ${left}. ANALYZE did not write them anew.`,
    state: "The database is as it was; what was restored beside it is dropped, and nobody could connect to it.",
    next: "Look whether these columns have a statistics target of 0 (ALTER TABLE … ALTER COLUMN … SET STATISTICS) and take it away where the data comes from, then run the same command.",
  });
}

/** Where noted values are, in words; `undefined` where there are none. */
async function found(
  client: pg.ClientBase,
  { declared, others }: Looked,
  from: (column: DataColumn) => string,
): Promise<string | undefined> {
  const left: string[] = [];
  for (const [number, column] of declared.entries()) {
    const [own] = await search(client, from(column), `o.number = ${number}`);
    if (own !== undefined) left.push(`${nameOf(column)} still holds ${counted(own.count)} that it held before`);
  }
  for (const column of others) {
    for (const { number, count } of await search(client, from(column), "o.long")) {
      const of = declared[number];
      if (of !== undefined) left.push(`${nameOf(column)} holds ${counted(count)} of ${nameOf(of)}`);
    }
  }
  if (left.length === 0) return undefined;
  return few(left, { most: named, separator: "; " });
}

const foundRows = z.array(z.strictObject({ number: z.int(), count: z.coerce.number() }));

async function search(client: pg.ClientBase, from: string, which: string): Promise<z.infer<typeof foundRows>> {
  const { rows } = await client.query(
    `SELECT o.number, count(*) FROM ${from} JOIN ${noted} o ON o.hash = ${hash}
     WHERE x.v <> '' AND ${which} GROUP BY o.number ORDER BY o.number`,
  );
  return foundRows.parse(rows);
}

function counted(count: number): string {
  return count === 1 ? "1 value" : `${count} values`;
}
