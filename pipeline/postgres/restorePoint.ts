import { randomBytes } from "node:crypto";
import pg from "pg";
import { z } from "zod";
import type { Database, RestorePoint } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { sqlState, withClient } from "./connection.js";

/** PostgreSQL takes names of restore points up to this length, in bytes (MAXFNAMELEN, less its end). */
const longest = 63;

/** The name of the restore point before a migration; cut where PostgreSQL would refuse it. */
export function restorePointName(run: string, migration: string): string {
  return cut(`safe-migration:${run}:${migration}`);
}

/** The name of the restore point that a backup ends at: recovery ends at the first one of a name, so no other has it. */
export function backupPointName(id: string): string {
  return cut(`safe-migration-backup:${randomBytes(6).toString("hex")}:${id}`);
}

function cut(text: string): string {
  const name = Buffer.from(text).subarray(0, longest).toString("utf8");
  // A character that was cut in two.
  return name.replace(/\uFFFD+$/, "");
}

const row = z.tuple([z.strictObject({ lsn: z.string(), at: z.string() })]);

/**
 * Makes restore points in a server's log, to which it can be recovered by name or place. A server that does not archive its log has
 * none; where the role lacks the right, that is said once.
 */
export class RestorePoints {
  #off = false;

  constructor(
    private readonly database: Database,
    private readonly run: string,
    private readonly log: Logger,
  ) {}

  /** @returns `undefined` where none could be made; that is said, and nothing else depends on it. */
  async before(migration: string): Promise<RestorePoint | undefined> {
    if (this.#off) return undefined;
    try {
      const made = await withClient(this.database, { applicationName: "safe-migration restore point" }, (client) =>
        create(client, restorePointName(this.run, migration)),
      );
      if (made === undefined) this.#off = true;
      else this.log.info(`restore point before ${migration}`, made);
      return made;
    } catch (error) {
      this.#off = sqlState(error) === "42501";
      const why = this.#off
        ? `the role may not. As a superuser, in this database: GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO ${pg.escapeIdentifier(this.database.user)};`
        : messageOf(error);
      this.log.warn(`no restore point is made in the server's log: ${why}`);
      return undefined;
    }
  }
}

async function create(client: pg.ClientBase, name: string): Promise<RestorePoint | undefined> {
  const { rows } = await client.query<{ archives: boolean }>(
    "SELECT current_setting('archive_mode') <> 'off' AND NOT pg_is_in_recovery() AS archives",
  );
  return rows[0]?.archives === true ? createRestorePoint(client, name) : undefined;
}

/** Makes a restore point in the log, in one query. */
export async function createRestorePoint(client: pg.ClientBase, name: string): Promise<RestorePoint> {
  const made = await client.query(
    `SELECT pg_create_restore_point($1)::text AS lsn,
       to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at`,
    [name],
  );
  return { name, ...row.parse(made.rows)[0] };
}
