import pg from "pg";
import { aloneMark, atomicMark, historyTable } from "./history.js";

/** The unfinished row that Prisma's engine made of a migration that is being applied; or that of one that is taken back. */
export interface Attempt {
  readonly id: string;
  readonly migration: string;
  /** Qualified and quoted name of the table that holds it. */
  readonly table: string;
  /** The script takes the migration back: its row, which is finished, is then marked as rolled back. */
  readonly back?: boolean;
}

/** The row of a migration that is applied, for a script that takes it back. */
export async function findApplied(
  client: pg.ClientBase,
  { defaultSchema }: { readonly defaultSchema: string },
  migration: string,
): Promise<Attempt | undefined> {
  const table = `${pg.escapeIdentifier(defaultSchema)}.${pg.escapeIdentifier(historyTable)}`;
  const { rows } = await client.query<{ id: string }>(
    `select id from ${table} where migration_name = $1 and finished_at is not null and rolled_back_at is null`,
    [migration],
  );
  return rows[0] === undefined ? undefined : { id: rows[0].id, migration, table, back: true };
}

/**
 * The attempt that this script belongs to, if it is a migration that is being applied: the engine writes the row, with the
 * script's checksum, before it hands the script over, and lets no two unfinished rows be.
 */
export async function findAttempt(client: pg.ClientBase, checksum: string): Promise<Attempt | undefined> {
  const tables = await client.query<{ schema: string }>(
    `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.oid = to_regclass($1)`,
    [historyTable],
  );
  const schema = tables.rows[0]?.schema;
  if (schema === undefined) return undefined;
  const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(historyTable)}`;
  const { rows } = await client.query<{ id: string; migration: string }>(
    `select id, migration_name as migration from ${table}
      where finished_at is null and rolled_back_at is null and checksum = $1 order by started_at desc limit 1`,
    [checksum],
  );
  return rows[0] === undefined ? undefined : { ...rows[0], table };
}

/**
 * Says in the row, before the script starts, what may be thought of it while it is not finished. `whole`: script and row are
 * committed together. `alone`: one statement for itself, of which can be seen what became of it.
 */
export async function markAttempt(
  client: pg.ClientBase,
  { id, table, back }: Attempt,
  mark: "whole" | "alone" = "whole",
): Promise<void> {
  // While it is not marked as rolled back, the migration is applied, as it was.
  if (back === true) return;
  await client.query(`update ${table} set logs = $2 where id = $1`, [
    id,
    mark === "whole" ? atomicMark(id) : aloneMark(id),
  ]);
}

/** Takes the mark of the engine's record back, before something is sent that no transaction protects; see `markStart`. */
export async function unmarkAttempt(client: pg.ClientBase, { id, table, back }: Attempt): Promise<void> {
  if (back !== true) await client.query(`update ${table} set logs = null where id = $1`, [id]);
}

/** What an applied migration's row says once `down.sql` took it back; Prisma takes it for one that is not applied. */
const takenBack = "safe-migration: taken back by its down.sql";

/** Finishes the row, in the script's transaction; whatever role or rights the script left set. */
export async function finishAttempt(client: pg.ClientBase, { id, table, back }: Attempt): Promise<void> {
  await client.query("reset session authorization");
  await client.query("reset role");
  const { rowCount } =
    back === true
      ? await client.query(
          `update ${table} set rolled_back_at = clock_timestamp(), logs = $2
            where id = $1 and finished_at is not null and rolled_back_at is null`,
          [id, takenBack],
        )
      : await client.query(
          `update ${table} set finished_at = clock_timestamp(), logs = null where id = $1 and finished_at is null and rolled_back_at is null`,
          [id],
        );
  if (rowCount !== 1)
    throw new Error(`the migration's row ${id} is no longer in ${table}, or was finished by somebody else`);
}

/**
 * Whether the row was finished, which its script's transaction does with everything else: asked over another connection, when the
 * script's own is gone and with it the transaction.
 */
export async function isFinished(client: pg.ClientBase, { id, table, back }: Attempt): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [table]);
  // A server that crashed may have lost what it had only promised: the row, or the table itself.
  if (rows[0]?.there !== true) return false;
  const column = back === true ? "rolled_back_at" : "finished_at";
  const found = await client.query(`select from ${table} where id = $1 and ${column} is not null`, [id]);
  return found.rowCount === 1;
}
