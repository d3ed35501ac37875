import type pg from "pg";
import { z } from "zod";
import type { Fingerprints } from "./fingerprints.js";
import { sqlState } from "./connection.js";
import { readRefused } from "./readErrors.js";

/** How many large objects one query reads. */
const batchSize = 500;
/** How much of one is held in memory at once, in bytes. */
const chunkBytes = 1_048_576;

const batch = z.tuple([
  z.strictObject({ count: z.coerce.number().int(), hash: z.string(), last: z.string().nullable() }),
]);

/**
 * Count and hash of all large objects: number, owner and content of each, read piece by piece through `lo_get`, which needs
 * no more than the right to read them (`pg_largeobject` itself is a superuser's).
 */
export async function fingerprintLargeObjects(client: pg.ClientBase): Promise<Fingerprints["largeObjects"]> {
  let count = 0;
  let hash = 0n;
  for (let last: string | null = "0"; last !== null;) {
    const next: z.infer<typeof batch>[0] = await readBatch(client, last);
    count += next.count;
    hash += BigInt(next.hash);
    last = next.last;
  }
  return { count, hash: hash.toString() };
}

async function readBatch(client: pg.ClientBase, after: string): Promise<z.infer<typeof batch>[0]> {
  try {
    const { rows } = await client.query(
      `WITH RECURSIVE objects AS (
         SELECT m.oid, pg_get_userbyid(m.lomowner) AS owner FROM pg_largeobject_metadata m
         WHERE m.oid > $1::oid ORDER BY m.oid LIMIT ${batchSize}
       ), ${pieces}
       SELECT (SELECT count(*) FROM objects)::text AS count, coalesce(sum(hash), 0)::text AS hash,
         (SELECT max(oid) FROM objects)::text AS last FROM pieces`,
      [after],
    );
    return batch.parse(rows)[0];
  } catch (error) {
    if (sqlState(error) === "42501") throw readRefused("the large objects", error);
    throw error;
  }
}

/** The hash of each piece of the large objects that `objects` names. */
const pieces = `pieces(oid, owner, at, length, hash) AS (
         SELECT o.oid, o.owner, 0::bigint, p.length, p.hash FROM objects o,
           LATERAL (${piece("o.oid", "o.owner", "0::bigint")}) p
         UNION ALL
         SELECT b.oid, b.owner, b.at + ${chunkBytes}, p.length, p.hash FROM pieces b,
           LATERAL (${piece("b.oid", "b.owner", `b.at + ${chunkBytes}`)}) p
         WHERE b.length = ${chunkBytes}
       )`;

/** One row for each large object, `oid` and `hash` of its content, whoever owns it. */
export const largeObjectHashes = `WITH RECURSIVE objects AS (
         SELECT m.oid, ''::name AS owner FROM pg_catalog.pg_largeobject_metadata m
       ), ${pieces}
       SELECT oid, sum(hash) AS hash FROM pieces GROUP BY oid`;

/** OFFSET 0: the piece is read once, not once for its length and once for its hash. */
function piece(oid: string, owner: string, at: string): string {
  return (
    `SELECT length(d.data) AS length, ` +
    `hash_array_extended(ARRAY[record_send(ROW(${oid}, ${owner}, ${at}, d.data))], 0) AS hash ` +
    `FROM (SELECT lo_get(${oid}, ${at}, ${chunkBytes}) AS data OFFSET 0) d`
  );
}
