import type pg from "pg";
import type { Finding } from "../contracts.js";

export interface InvalidIndex {
  /** Quoted, and qualified where it has to be. */
  readonly index: string;
  /** The table; of an index of its TOAST table, too. */
  readonly on: string;
  /** Guards an EXCLUDE constraint, which PostgreSQL does not rebuild concurrently. */
  readonly exclusion: boolean;
  /** The index of which this is a half that a failed REINDEX CONCURRENTLY left; `null`: it is none. */
  readonly halfOf: string | null;
  /** Process that builds it at this moment. */
  readonly builder: number | null;
}

/**
 * Indexes that PostgreSQL maintains and does not use: left by a `CREATE INDEX CONCURRENTLY` or a `REINDEX CONCURRENTLY` that failed.
 * Of the latter the index is there beside its half, whose name is made of its own (cut where both are too long for one).
 */
export async function listInvalidIndexes(client: pg.Client): Promise<InvalidIndex[]> {
  const { rows } = await client.query<InvalidIndex>(
    `SELECT i.indexrelid::regclass::text AS index, i.indisexclusion AS exclusion,
            coalesce((SELECT t.oid FROM pg_class t WHERE t.reltoastrelid = i.indrelid), i.indrelid)::regclass::text AS on,
            (SELECT o.indexrelid::regclass::text FROM pg_index o JOIN pg_class oc ON oc.oid = o.indexrelid
              WHERE c.relname ~ '_cc(new|old)[0-9]*$' AND o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid
                AND starts_with(oc.relname::text, h.base) AND (oc.relname = h.base OR octet_length(c.relname) = 63)
              ORDER BY octet_length(oc.relname), oc.relname LIMIT 1) AS "halfOf",
            (SELECT min(p.pid) FROM pg_stat_progress_create_index p WHERE p.relid = i.indrelid AND p.datname = current_database()) AS builder
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
            regexp_replace(c.relname::text, '_cc(new|old)[0-9]*$', '') AS h (base)
      WHERE NOT (i.indisvalid AND i.indisready) AND n.nspname <> 'information_schema'
        AND (n.nspname !~ '^pg_' OR n.nspname = 'pg_toast') ORDER BY 1`,
  );
  return rows;
}

export function describeInvalidIndex({ index, on, halfOf, builder }: InvalidIndex): Finding {
  if (builder !== null)
    return {
      check: "invalid-index",
      severity: "warning",
      message: `index ${index} on ${on} is not valid; process ${builder} is building an index of that table at this moment`,
      remedy: "Wait for it, then look again.",
    };
  return {
    check: "invalid-index",
    severity: "error",
    message:
      halfOf === null
        ? `index ${index} on ${on} is not valid`
        : `index ${index} on ${on} is half of a REINDEX CONCURRENTLY of ${halfOf} that failed; each write keeps it up to date, for nothing`,
    remedy:
      halfOf === null
        ? `DROP INDEX CONCURRENTLY ${index}; then make it again (REINDEX INDEX CONCURRENTLY ${index}).`
        : `DROP INDEX CONCURRENTLY ${index};`,
  };
}

export async function findInvalidIndexes(client: pg.Client): Promise<Finding[]> {
  return (await listInvalidIndexes(client)).map(describeInvalidIndex);
}
