import type pg from "pg";
import { z } from "zod";
import { PipelineError } from "../errors.js";
import { listColumns } from "../postgres/fingerprintCatalogue.js";
import { fingerprintLargeObjects } from "../postgres/largeObjects.js";
import type { Fingerprints, TableFingerprint } from "../postgres/fingerprints.js";
import { fingerprintQuery } from "../postgres/rowHash.js";
import { type TableShape, readShape } from "./shape.js";

const answer = z.tuple([z.strictObject({ rows: z.coerce.number().int(), hash: z.string() })]);

/**
 * Proves of every table that no migration touched, by what PostgreSQL told, that it has the backup's fingerprint still, over the
 * columns that it had then and whatever they are called now; and of the large objects, if none touched them.
 *
 * @throws PipelineError naming those that have not.
 */
export async function assertUntouched(
  client: pg.Client,
  fingerprints: Fingerprints,
  first: ReadonlyMap<number, TableShape>,
  touched: { readonly tables: ReadonlySet<number>; readonly largeObjects: boolean },
): Promise<void> {
  // Text of times, where a type is hashed by it, is that of the backup's fingerprint.
  await client.query("SET TimeZone = 'UTC'");
  const now = await readShape(client);
  const differing: string[] = [];
  for (const before of first.values()) {
    if (touched.tables.has(before.oid)) continue;
    const expected = fingerprints.tables.find(({ schema, name }) => schema === before.schema && name === before.name);
    const after = now.get(before.oid);
    if (expected === undefined) continue;
    if (after === undefined || !(await isEqual(client, fingerprints, expected, before, after)))
      differing.push(`${before.schema}.${before.name}`);
  }
  const { count, hash } = fingerprints.largeObjects;
  if (!touched.largeObjects && count > 0) {
    const found = await fingerprintLargeObjects(client);
    if (found.count !== count || found.hash !== hash) differing.push("large objects");
  }
  if (differing.length === 0) return;
  throw new PipelineError({
    code: "UNTOUCHED_DIFFERS",
    kind: "refused",
    message: `There are other values after the migrations, though PostgreSQL counted no write to them, in: ${differing.join(", ")}.`,
    state: "The database was not touched: the migrations were only tried on a restored copy, which is dropped.",
    next: "Find what writes to them (a statement that hides it, track_counts being off), then run the same command.",
  });
}

async function isEqual(
  client: pg.Client,
  { image, algorithm }: Fingerprints,
  expected: TableFingerprint,
  before: TableShape,
  after: TableShape,
): Promise<boolean> {
  const named = (await listColumns(client, [after.oid])).get(after.oid) ?? [];
  const columns = expected.columns.map((name) => {
    const number = before.columns.find((column) => column.name === name)?.number;
    const renamed = after.columns.find((column) => column.number === number)?.name;
    return named.find((column) => column.name === renamed);
  });
  if (!columns.every((column) => column !== undefined)) return false;
  const { rows } = await client.query(
    fingerprintQuery(after.schema, after.name, columns, image, algorithm, after.condition),
  );
  const [found] = answer.parse(rows);
  return found.rows === expected.rows && found.hash === expected.hash;
}
