import type pg from "pg";
import { z } from "zod";
import { PipelineError } from "../errors.js";
import { type Looked, type DataColumn, nameOf, valuesFrom } from "./columns.js";

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
export async function assertGone(client: pg.ClientBase, file: string, { declared, others }: Looked): Promise<void> {
  const left: string[] = [];
  for (const [number, column] of declared.entries()) {
    const [found] = await search(client, column, `o.number = ${number}`);
    if (found !== undefined) left.push(`${nameOf(column)} still holds ${counted(found.count)} that it held before`);
  }
  for (const column of others) {
    for (const { number, count } of await search(client, column, "o.long")) {
      const of = declared[number];
      if (of !== undefined) left.push(`${nameOf(column)} holds ${counted(count)} of ${nameOf(of)}`);
    }
  }
  if (left.length === 0) return;
  const more = left.length > named ? `; and ${left.length - named} more` : "";
  throw new PipelineError({
    code: "NOT_ANONYMISED",
    kind: "failedUnchanged",
    message: `${file} leaves values of the original behind: ${left.slice(0, named).join("; ")}${more}.`,
    state: "The database is as it was; what was restored beside it is dropped, and nobody could connect to it.",
    next: `Change them in ${file} as well; a column in which they may be found by chance is declared with a comment: -- keeps: table.column   then run the same command.`,
  });
}

const foundRows = z.array(z.strictObject({ number: z.int(), count: z.coerce.number() }));

async function search(client: pg.ClientBase, column: DataColumn, which: string): Promise<z.infer<typeof foundRows>> {
  const { rows } = await client.query(
    `SELECT o.number, count(*) FROM ${valuesFrom(column)} JOIN ${noted} o ON o.hash = ${hash}
     WHERE x.v <> '' AND ${which} GROUP BY o.number ORDER BY o.number`,
  );
  return foundRows.parse(rows);
}

function counted(count: number): string {
  return count === 1 ? "1 value" : `${count} values`;
}
