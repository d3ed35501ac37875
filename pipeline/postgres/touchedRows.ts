import pg from "pg";
import { z } from "zod";
import { rowHash } from "./rowHash.js";
import { listColumns, listTables } from "./fingerprintCatalogue.js";

/** Rows by their place in the table's file (`(block,number)`), each with its hash. */
export const touchedSchema = z.array(
  z.strictObject({
    schema: z.string(),
    name: z.string(),
    rows: z.array(z.tuple([z.string().regex(/^\(\d+,\d+\)$/), z.string().regex(/^-?\d+$/)])),
  }),
);
export type Touched = z.infer<typeof touchedSchema>;

/** Numbers that were given out in a time: `from` up to, and without, `to`; of 32 bits, after which they begin anew. */
export interface Numbers {
  readonly from: bigint;
  readonly to: bigint;
}

const circle = 2n ** 32n;

/** SQL: whether a number of 32 bits, as text, is among those. More than half of all are not told apart, and are all among them. */
export function among(number: string, { from, to }: Numbers): string {
  if (to <= from) return "false";
  if (to - from >= circle / 2n) return "true";
  return `${offset(number, from)} < ${to - from}`;
}

/** SQL: how far a number of 32 bits, as text, is from another. */
export function offset(number: string, from: bigint): string {
  return `(${number}::int8 - ${from % circle} + ${circle}) % ${circle}`;
}

/**
 * The number that the next group of transactions gets that hold a row together (multixact), which then stands in the row for whoever
 * has changed it.
 */
export async function nextGroup(client: pg.ClientBase): Promise<bigint> {
  const { rows } = await client.query("SELECT mxid_age('1'::xid)::text AS since");
  const [{ since }] = z.tuple([z.strictObject({ since: z.string() })]).parse(rows);
  return (BigInt(since) + 1n + circle) % circle;
}

export interface TouchedOptions {
  /** Of the transactions that the session's snapshot does not see, and that had begun since. */
  readonly transactions: Numbers;
  /** Of the groups of transactions since before it. */
  readonly groups: Numbers;
  /** How many are noted. */
  readonly most: number;
}

/**
 * The rows that a session's snapshot sees and that others have changed, deleted or locked since. Nobody else has; who had them locked
 * before, and is among the numbers by chance, is told too.
 *
 * @param client in a transaction that has held its snapshot all along
 * @returns `undefined` where there are more than are noted
 */
export async function readTouched(
  client: pg.ClientBase,
  { transactions, groups, most }: TouchedOptions,
): Promise<Touched | undefined> {
  // Of an extension's tables in part, nothing is noted.
  const tables = (await listTables(client)).filter(({ condition }) => condition === null);
  const columns = await listColumns(
    client,
    tables.map(({ oid }) => oid),
  );
  const touched: Touched = [];
  let left = most;
  for (const { oid, schema, name } of tables) {
    const by = `(${among("t.xmax::text", transactions)} OR ${among("t.xmax::text", groups)})`;
    const { rows } = await client.query(
      `SELECT t.ctid::text AS at, (${rowHash(columns.get(oid) ?? [], "exact")})::text AS hash
       FROM ONLY ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)} AS t
       WHERE t.xmax::text <> '0' AND ${by} LIMIT ${left + 1}`,
    );
    const found = z.array(z.strictObject({ at: z.string(), hash: z.string() })).parse(rows);
    left -= found.length;
    if (left < 0) return undefined;
    if (found.length > 0)
      touched.push({ schema, name, rows: found.map(({ at, hash }): [string, string] => [at, hash]) });
  }
  return touched;
}
