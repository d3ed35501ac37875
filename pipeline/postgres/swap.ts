import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { z } from "zod";
import type { Database } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { maintenanceDatabase, sqlState, withClient } from "./connection.js";
import type { DatabaseProperties } from "./databaseProperties.js";
import { finishingSql } from "./databasePropertiesSql.js";
import { freeName } from "./scratch.js";
import { keptName } from "./scratchName.js";

export interface SwapOptions {
  /** The restored database that takes the name of `database`. */
  readonly restored: string;
  readonly properties: DatabaseProperties;
  /** `false`: the name must be free, and nothing is put aside. @default true */
  readonly replace?: boolean;
  /** How long to go on ending sessions of the old database, in milliseconds. */
  readonly patienceMs: number;
}

export interface Swapped {
  /** The old database's new name; absent where there was none. */
  readonly kept?: string;
  /** From the first session ended to the new name in place, in milliseconds. */
  readonly swapMs: number;
}

/** How often the sessions of the old database are ended while its name is being changed, in milliseconds. */
const terminateEveryMs = 50;

/**
 * Puts a restored database in the place of `database`, and keeps the old one under another name. Both renames are one
 * transaction: at any moment, killed or not, the name belongs to a whole database. While it runs, new connections wait.
 *
 * @throws PipelineError naming the sessions that would not go, or where the name is not free and nothing is to be replaced;
 * everything is as it was then.
 */
export async function swapDatabases(database: Database, options: SwapOptions): Promise<Swapped> {
  const maintenance = { database: maintenanceDatabase, applicationName: "safe-migration swap" };
  return withClient(database, maintenance, (renamer) =>
    withClient(database, maintenance, async (terminator) => {
      const old = await findDatabase(terminator, database.name);
      if (old !== undefined && options.replace === false) throw nameTaken(database.name);
      const kept =
        old === undefined
          ? undefined
          : await freeName(terminator, (attempt) => keptName(database.name, new Date(), attempt));
      const statements = [
        ...(kept === undefined ? [] : [rename(database.name, kept)]),
        rename(options.restored, database.name),
        ...finishingSql(database.name, options.properties),
      ];
      const started = Date.now();
      await renameAll({ renamer, terminator, statements, old, database, deadline: started + options.patienceMs });
      return { ...(kept === undefined ? {} : { kept }), swapMs: Date.now() - started };
    }),
  );
}

function rename(from: string, to: string): string {
  return `ALTER DATABASE ${pg.escapeIdentifier(from)} RENAME TO ${pg.escapeIdentifier(to)}`;
}

/** The number of a database, which stays as it is when its name changes; undefined where there is none. */
export async function findDatabase(client: pg.ClientBase, name: string): Promise<number | undefined> {
  const { rows } = await client.query("SELECT oid::int8::text AS oid FROM pg_database WHERE datname = $1", [name]);
  const [row] = z.array(z.strictObject({ oid: z.coerce.number() })).parse(rows);
  return row?.oid;
}

interface Renaming {
  readonly renamer: pg.Client;
  readonly terminator: pg.Client;
  readonly statements: readonly string[];
  readonly old: number | undefined;
  readonly database: Database;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

async function renameAll(renaming: Renaming): Promise<void> {
  const { renamer, statements, database, deadline, old } = renaming;
  await renamer.query("SET lock_timeout = '10s'; SET statement_timeout = 0");
  for (;;) {
    const ending = endSessions(renaming);
    try {
      await renamer.query("BEGIN");
      for (const sql of statements) await renamer.query(sql);
      await renamer.query("COMMIT");
      return;
    } catch (error) {
      await renamer.query("ROLLBACK").catch(() => undefined);
      // Somebody took the name a moment ago; nothing of theirs is put aside unseen.
      if (sqlState(error) === "42P04" && old === undefined) throw nameTaken(database.name, error);
      // 55006: sessions are there that the server itself waited five seconds for; 55P03: the database is locked.
      const busy = ["55006", "55P03"].includes(sqlState(error) ?? "");
      if (!busy || Date.now() >= deadline) throw await swapError(renaming.terminator, database, old, error, busy);
    } finally {
      await ending.stop();
    }
  }
}

/** Ends the sessions of the old database again and again, until told to stop. */
function endSessions({ terminator, old }: Renaming): { stop(): Promise<void> } {
  let on = old !== undefined;
  const work = (async () => {
    while (on) {
      for (const { pid } of await sessionsOf(terminator, old)) {
        // One that this role may not end is named, if it is still there at the end.
        await terminator.query("SELECT pg_terminate_backend($1)", [pid]).catch(() => undefined);
      }
      await sleep(terminateEveryMs);
    }
  })().catch(() => undefined);
  return {
    stop: () => {
      on = false;
      return work;
    },
  };
}

const sessionRows = z.array(z.strictObject({ pid: z.int(), who: z.string() }));

async function sessionsOf(client: pg.ClientBase, oid: number | undefined): Promise<z.infer<typeof sessionRows>> {
  const { rows } = await client.query(
    `SELECT pid, format('pid %s (%s, %s, %s)', pid, coalesce(usename, '?'),
       coalesce(nullif(application_name, ''), backend_type), coalesce(state, 'unknown')) AS who
     FROM pg_stat_activity WHERE datid = $1::oid AND pid <> pg_backend_pid()`,
    [oid],
  );
  return sessionRows.parse(rows);
}

/** What is to be restored under a name of its own must not take another database's. */
export function nameTaken(name: string, cause?: unknown): PipelineError {
  return new PipelineError(
    {
      code: "TARGET_EXISTS",
      kind: "refused",
      message: `There is a database "${name}" already; a backup is restored into a new one only.`,
      state: `"${name}" is as it was, and nothing was restored.`,
      next: `Name another one, or, if it is no longer needed: DROP DATABASE ${pg.escapeIdentifier(name)}; then run the same command.`,
    },
    { cause },
  );
}

async function swapError(
  client: pg.ClientBase,
  database: Database,
  old: number | undefined,
  cause: unknown,
  busy: boolean,
): Promise<PipelineError> {
  const sessions = await sessionsOf(client, old).catch(() => []);
  const detail = cause instanceof pg.DatabaseError && cause.detail !== undefined ? ` (${cause.detail})` : "";
  const who = sessions.length > 0 ? ` Still there: ${sessions.map((session) => session.who).join("; ")}.` : "";
  return new PipelineError(
    {
      code: busy ? "SESSIONS_STAY" : "SWAP_FAILED",
      kind: "failedUnchanged",
      message: `The restored database could not take the place of "${database.name}": ${messageOf(cause)}${detail}.${who}`,
      state: `Nothing was renamed: "${database.name}" is as it was, with its sessions ended as far as they let themselves.`,
      next: busy
        ? "Stop the application (pm2 stop …) or end those sessions as a superuser, then run the same command."
        : "Mend that, then run the same command.",
    },
    { cause },
  );
}
