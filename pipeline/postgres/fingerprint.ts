import pg from "pg";
import { z } from "zod";
import type { Database } from "../contracts.js";
import type { Logger } from "../log.js";
import type { Column, Image } from "./columnImage.js";
import { sqlState } from "./connection.js";
import {
  listColumns,
  listTableNames,
  listMaterializedViews,
  listTables,
  readSequences,
  type DataTable,
} from "./fingerprintCatalogue.js";
import type { Fingerprints, TableFingerprint } from "./fingerprints.js";
import { inParallel, interrupted } from "./interrupt.js";
import { fingerprintLargeObjects } from "./largeObjects.js";
import { lockTimedOut, readRefused } from "./readErrors.js";
import { openReader, stoppable } from "./readSession.js";
import { type Algorithm, fingerprintQuery } from "./rowHash.js";

export interface FingerprintOptions {
  /** Another database of the same cluster. */
  readonly database?: string;
  /** An exported snapshot; default: one of its own, shared by its connections. */
  readonly snapshot?: string;
  /** Connections that read at once. */
  readonly jobs: number;
  /** Which columns are compared; default: all that hold data. */
  readonly columns?: (table: Pick<DataTable, "schema" | "name" | "partOf">, column: string) => boolean;
  /** `text` where the type of a column may have changed in between; default `exact`. */
  readonly image?: Image;
  /** That of the fingerprint that this one is compared with; default: the newest. */
  readonly algorithm?: Algorithm;
  /** Where the sequences stood, if they were read before. */
  readonly sequences?: Fingerprints["sequences"];
  /** How long to wait for a table that somebody holds exclusively, in milliseconds. */
  readonly lockTimeoutMs?: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called with the share of bytes read so far, 0 to 1. */
  readonly onProgress?: (fraction: number, table: string) => void;
}

/**
 * Fingerprints every table of a database under one snapshot, the biggest first.
 *
 * @throws PipelineError if the role may not read a table, a table is held exclusively, or `signal` is aborted.
 */
export async function fingerprintDatabase(database: Database, options: FingerprintOptions): Promise<Fingerprints> {
  const holder = await openReader(database, "safe-migration fingerprint", options);
  try {
    await beginAt(holder, options.snapshot);
    const snapshot = options.snapshot ?? (await exportSnapshot(holder));
    const sequences = options.sequences ?? (await readSequences(holder));
    const materializedViews = await listMaterializedViews(holder);
    const tables = await fingerprintTables(database, { ...options, snapshot }, holder);
    const largeObjects = await stoppable(database, holder, options.signal, () => fingerprintLargeObjects(holder));
    return {
      algorithm: options.algorithm ?? "chain-1",
      image: options.image ?? "exact",
      tables: tables.sort((a, b) => compareText(a.schema, b.schema) || compareText(a.name, b.name)),
      largeObjects,
      sequences: [...sequences],
      materializedViews,
    };
  } catch (error) {
    if (options.signal.aborted)
      throw interrupted("The fingerprint", "Nothing was changed.", "Run the same command again.");
    throw error;
  } finally {
    await holder.end().catch(() => undefined);
  }
}

/** Starts a read-only transaction that sees what `snapshot` saw. */
async function beginAt(client: pg.Client, snapshot: string | undefined): Promise<void> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (snapshot !== undefined) await client.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(snapshot)}`);
}

export async function exportSnapshot(client: pg.Client): Promise<string> {
  const { rows } = await client.query("SELECT pg_export_snapshot() AS id");
  return z.tuple([z.object({ id: z.string() })]).parse(rows)[0].id;
}

async function fingerprintTables(
  database: Database,
  options: FingerprintOptions & { snapshot: string },
  holder: pg.Client,
): Promise<TableFingerprint[]> {
  const tables = await stoppable(database, holder, options.signal, async () => {
    await lockAll(holder, await listTableNames(holder), options);
    return listUnblocked(holder, options);
  });
  const columns = await listColumns(
    holder,
    tables.map(({ oid }) => oid),
  );
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0) || 1;
  let done = 0;
  const results: TableFingerprint[] = [];
  const clients: pg.Client[] = [holder];
  try {
    for (let extra = 1; extra < Math.min(options.jobs, tables.length); extra++) {
      const client = await openReader(database, "safe-migration fingerprint", options);
      clients.push(client);
      await beginAt(client, options.snapshot);
      await stoppable(database, client, options.signal, () => lockAll(client, tables, options));
    }
    await inParallel(tables, clients.length, async (table, worker) => {
      const client = clients[worker] ?? holder;
      const compared = (columns.get(table.oid) ?? []).filter(({ name }) => options.columns?.(table, name) ?? true);
      results.push(
        await stoppable(database, client, options.signal, () => fingerprintTable(client, table, compared, options)),
      );
      done += table.bytes;
      options.onProgress?.(done / total, `${table.schema}.${table.name}`);
    });
  } finally {
    await Promise.all(clients.slice(1).map((client) => client.end().catch(() => undefined)));
  }
  return results;
}

/** Tables in one LOCK statement. */
const batchSize = 500;

/** At once, and not when it comes to each: who wants one for himself meanwhile waits, and is not waited for. */
async function lockAll(client: pg.Client, tables: readonly DataTable[], options: FingerprintOptions): Promise<void> {
  try {
    for (let from = 0; from < tables.length; from += batchSize) {
      const part = tables.slice(from, from + batchSize);
      const names = part.map(({ schema, name }) => `ONLY ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`);
      await client.query(`LOCK TABLE ${names.join(", ")} IN ACCESS SHARE MODE`);
    }
  } catch (error) {
    throw explainRead("a table", options, error);
  }
}

async function listUnblocked(client: pg.Client, options: FingerprintOptions): Promise<DataTable[]> {
  try {
    return await listTables(client);
  } catch (error) {
    throw explainRead("a table", options, error);
  }
}

/** The failure of a read, in words where it is one that was foreseen. */
function explainRead(object: string, options: FingerprintOptions, error: unknown): unknown {
  if (sqlState(error) === "42501") return readRefused(object, error);
  if (sqlState(error) === "55P03") return lockTimedOut(object, options.lockTimeoutMs ?? 0, [], error);
  return error;
}

const answer = z.tuple([z.strictObject({ rows: z.coerce.number().int(), hash: z.string() })]);

async function fingerprintTable(
  client: pg.Client,
  table: DataTable,
  columns: readonly Column[],
  options: FingerprintOptions,
): Promise<TableFingerprint> {
  try {
    const { image, algorithm } = options;
    const { schema, name, condition, extension, partOf } = table;
    const { rows } = await client.query(fingerprintQuery(schema, name, columns, image, algorithm, condition));
    const [{ rows: count, hash }] = answer.parse(rows);
    options.log.debug(`fingerprint of ${schema}.${name}`, { rows: count });
    return {
      schema,
      name,
      rows: count,
      hash,
      columns: columns.map((column) => column.name),
      ...(extension === null ? {} : { extension }),
      ...(partOf === null ? {} : { partOf }),
    };
  } catch (error) {
    throw explainRead(`${table.schema}.${table.name}`, options, error);
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
