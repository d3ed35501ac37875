import pg from "pg";
import { z } from "zod";
import type { Database } from "../contracts.js";
import { listColumns, listTables } from "../postgres/fingerprintCatalogue.js";
import type { Difference, Fingerprints, TableFingerprint } from "../postgres/fingerprints.js";
import { openReader } from "../postgres/readSession.js";
import { rowHash } from "../postgres/rowHash.js";
import { type Touched, among, offset } from "../postgres/touchedRows.js";
import { currentSnapshot } from "./point.js";
import { parseSnapshot } from "./snapshots.js";

/** What a copy is held against that has more in it than what it is compared with saw. */
export interface Since {
  readonly fingerprints: Fingerprints;
  /** The snapshot of the fingerprints, as `pg_current_snapshot()` prints it. */
  readonly snapshot: string;
  /** The rows that were written to since; `undefined`: not known. */
  readonly touched: Touched | undefined;
}

/** The differences that what came later does not explain. */
export interface Unexplained {
  /** Rows are not there, or are others, that nobody has written to since. */
  readonly lost: readonly Difference[];
  /** It cannot be told: too many rows were written to, or what differs is no table whose rows all count. */
  readonly unclear: readonly Difference[];
}

/**
 * What of the differences between a copy and the fingerprints is not what transactions did that came later and are in it. In the
 * copy, each row says by which transaction it was written, and lies where it lay. So every row that the fingerprints saw has to be there with
 * its values, but for those that were written to since then, which may be gone; what a later transaction wrote is left out.
 */
export async function unexplained(
  copy: Database,
  since: Since,
  differences: readonly Difference[],
): Promise<Unexplained> {
  const client = await openReader(copy, "safe-migration compare");
  try {
    const tables = new Map((await listTables(client)).map((table) => [`${table.schema}.${table.name}`, table]));
    const lost: Difference[] = [];
    const unclear: Difference[] = [];
    for (const difference of differences) {
      const table = tables.get(difference.object);
      const then = since.fingerprints.tables.find(({ schema, name }) => `${schema}.${name}` === difference.object);
      // Made since: the tables that there were could not be dropped or changed meanwhile, as the backup held them.
      if (difference.kind === "table" && table !== undefined && then === undefined) continue;
      const ofRows = difference.kind === "rows" || difference.kind === "values";
      if (!ofRows || then === undefined || table === undefined)
        (ofTables.has(difference.kind) ? lost : unclear).push(difference);
      else if (table.condition !== null) unclear.push(difference);
      else if (!(await isAllThere(client, table.oid, then, since)))
        (since.touched === undefined ? unclear : lost).push(difference);
    }
    return { lost, unclear };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** What nobody could change while the backup held the tables, and a sequence is only ever further on. */
const ofTables: ReadonlySet<Difference["kind"]> = new Set(["table", "columns", "sequence"]);

const sums = z.tuple([z.strictObject({ rows: z.coerce.number().int(), hash: z.string() })]);

async function isAllThere(client: pg.Client, oid: number, then: TableFingerprint, since: Since): Promise<boolean> {
  const columns = ((await listColumns(client, [oid])).get(oid) ?? []).filter(({ name }) => then.columns.includes(name));
  const from = `FROM ONLY ${pg.escapeIdentifier(then.schema)}.${pg.escapeIdentifier(then.name)} AS t`;
  const seen = `NOT (${await writtenLater(client, since.snapshot)})`;
  const old = await client.query(
    `SELECT count(*)::text AS rows, coalesce(sum(${rowHash(columns, "exact")}), 0)::text AS hash ${from} WHERE ${seen}`,
  );
  const [{ rows, hash }] = sums.parse(old.rows);
  if (rows === then.rows && hash === then.hash) return true;
  const touched = since.touched?.find(({ schema, name }) => schema === then.schema && name === then.name)?.rows ?? [];
  const places = touched.map(([at]) => at);
  const there = await client.query<{ at: string }>(
    `SELECT t.ctid::text AS at ${from} WHERE t.ctid = ANY ($1::tid[]) AND ${seen}`,
    [places],
  );
  const stayed = new Set(there.rows.map(({ at }) => at));
  const gone = touched.filter(([at]) => !stayed.has(at));
  const lost = gone.reduce((sum, [, each]) => sum + BigInt(each), 0n);
  return rows + gone.length === then.rows && BigInt(hash) + lost === BigInt(then.hash);
}

/** SQL: whether a row was written by a transaction that the snapshot does not see. */
async function writtenLater(client: pg.Client, snapshot: string): Promise<string> {
  const { running, end } = parseSnapshot(snapshot);
  const from = running.reduce((least, id) => (id < least ? id : least), end);
  const to = parseSnapshot(await currentSnapshot(client)).end;
  const number = "t.xmin::text";
  const whole = `(${from} + ${offset(number, from)})::text::xid8`;
  return `${among(number, { from, to })} AND NOT pg_visible_in_snapshot(${whole}, ${pg.escapeLiteral(snapshot)}::pg_snapshot)`;
}
