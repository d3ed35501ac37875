import type pg from "pg";
import { z } from "zod";
import { readSequences } from "../postgres/fingerprintCatalogue.js";
import { type SequenceFingerprint, isBehind } from "../postgres/fingerprints.js";
import { sqlName } from "./before.js";
import type { Observed } from "./observed.js";

/** A sequence, where it stands, and the column whose values it makes, if it belongs to one. */
export interface SequenceState extends SequenceFingerprint {
  readonly oid: number;
  readonly owner: { readonly table: number; readonly column: number } | null;
}

const ownership = z.array(
  z.strictObject({
    oid: z.int(),
    schema: z.string(),
    name: z.string(),
    table: z.int().nullable(),
    column: z.int().nullable(),
  }),
);

/** Where every sequence stands, by its number. To be read before a trial: a rollback does not take `setval` back. */
export async function readSequenceStates(client: pg.ClientBase): Promise<ReadonlyMap<number, SequenceState>> {
  const states = await readSequences(client);
  const { rows } = await client.query(`
    SELECT c.oid, n.nspname AS schema, c.relname AS name, d.refobjid AS table, d.refobjsubid AS column
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
      WHERE c.relkind = 'S'`);
  const found = ownership.parse(rows);
  const pairs = states.flatMap((state): [number, SequenceState][] => {
    const own = found.find(({ schema, name }) => schema === state.schema && name === state.name);
    if (own === undefined) return [];
    const { oid, table, column } = own;
    return [[oid, { ...state, oid, owner: table === null || column === null ? null : { table, column } }]];
  });
  return new Map(pairs);
}

/**
 * What became of the sequences that were there: one that stands further back hands out numbers a second time, and one that is gone,
 * and belonged to no column, does no longer tell where it stood. One that stands further on (numbers are handed out outside of
 * transactions), or that fills a table without a row, has lost nothing.
 */
export async function compareSequenceStates(
  client: pg.ClientBase,
  before: ReadonlyMap<number, SequenceState>,
): Promise<Observed[]> {
  const now = await readSequenceStates(client);
  const seen: Observed[] = [];
  for (const was of before.values()) {
    const is = now.get(was.oid) ?? sameColumn(was, now);
    const old = { schema: was.schema, table: was.name };
    if (is === undefined) {
      if (was.owner === null && was.called) seen.push({ effect: "drops", names: [old], rows: 1, sequence: true });
      continue;
    }
    if (was.cycles || !isBehind(is, was) || (await fillsNothing(client, is))) continue;
    const named = [old, { schema: is.schema, table: is.name }].map((name) => ({ ...name, column: "last_value" }));
    seen.push({ effect: "changes", names: named, rows: 1, sequence: true });
  }
  return seen;
}

/** A column that becomes an identity gets another sequence. */
function sameColumn({ owner }: SequenceState, now: ReadonlyMap<number, SequenceState>): SequenceState | undefined {
  if (owner === null) return undefined;
  return [...now.values()].find((one) => one.owner?.table === owner.table && one.owner.column === owner.column);
}

async function fillsNothing(client: pg.ClientBase, { owner }: SequenceState): Promise<boolean> {
  if (owner === null) return false;
  const { rows } = await client.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1`,
    [owner.table],
  );
  const [table] = rows;
  if (table === undefined) return true;
  const { rowCount } = await client.query(`SELECT FROM ${sqlName(table)} LIMIT 1`);
  return rowCount === 0;
}
