import type pg from "pg";
import { z } from "zod";
import type { Settings } from "../contracts.js";
import { describeFailing, failingRemedy, readArchiver } from "../postgres/archiver.js";
import {
  type Session,
  describeSessions,
  endingOf,
  findBlockingSessions,
  findLongTransactions,
  findPreparedTransactions,
} from "../postgres/sessions.js";
import type { Found } from "./found.js";

/** Share of dead rows from which a table of {@link bloatBytes} or more is said to be bloated. */
const deadShare = 0.2;
const bloatBytes = 10_000_000;
/** Wraparound: PostgreSQL stops writing at 2^31; its own warnings begin 40 million before that. */
const oldTransactions = 1_500_000_000;

/** Sessions that keep others waiting, and transactions that keep old rows and snapshots alive. */
export async function lookAtSessions(client: pg.Client, { preflight }: Settings): Promise<Found[]> {
  const blocking = await findBlockingSessions(client);
  const long = await findLongTransactions(client, preflight.longTransactionSeconds);
  const prepared = await findPreparedTransactions(client, preflight.longTransactionSeconds);
  return [
    ...warn(blocking.length > 0, "blockers", `others wait for: ${describeSessions(blocking)}`, ending(blocking)),
    ...warn(long.length > 0, "long-transactions", `open for long: ${describeSessions(long)}`, ending(long)),
    ...warn(
      prepared.length > 0,
      "prepared-transactions",
      `left open, with their locks and the old rows that they may see: ${describeSessions(prepared)}`,
      `In this database, as a superuser or their owner: ${endingOf(prepared)}`,
    ),
  ];
}

function ending(sessions: readonly Session[]): string {
  return `Wait for them, or end them: ${endingOf(sessions)}`;
}

const tableRows = z.array(
  z.strictObject({ name: z.string(), dead: z.coerce.number(), live: z.coerce.number(), bytes: z.coerce.number() }),
);

/** An estimate from PostgreSQL's statistics: rows that were deleted or replaced and whose room is not free yet. */
export async function lookAtBloat(client: pg.Client): Promise<Found[]> {
  const { rows } = await client.query(
    `SELECT relid::regclass::text AS name, n_dead_tup::text AS dead, n_live_tup::text AS live, pg_relation_size(relid)::text AS bytes
       FROM pg_stat_user_tables WHERE n_dead_tup > 1000 ORDER BY n_dead_tup DESC`,
  );
  return tableRows
    .parse(rows)
    .filter(({ dead, live, bytes }) => bytes >= bloatBytes && dead / (dead + live) >= deadShare)
    .map(({ name, dead, live, bytes }) => ({
      check: "bloat",
      severity: "warning",
      message: `${name}: about ${Math.round((100 * dead) / (dead + live))} % of its rows are dead (${dead} of ${dead + live}, ${Math.round(bytes / 1e6)} MB)`,
      remedy: `VACUUM (ANALYZE) ${name};`,
      repair: {
        what: `free the room of dead rows of ${name}`,
        mode: "alone",
        statements: [`VACUUM (ANALYZE) ${name}`],
      },
    }));
}

/** The log that standbys and point-in-time recovery live on, and the age of the oldest transaction. */
export async function lookAtArchive(client: pg.Client): Promise<Found[]> {
  const archiver = await readArchiver(client);
  const { rows } = await client.query<{ age: number }>("SELECT max(age(datfrozenxid)) AS age FROM pg_database");
  const age = rows[0]?.age ?? 0;
  const { rows: slots } = await client.query<{ slot: string; bytes: string }>(
    `SELECT slot_name AS slot, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint::text AS bytes FROM pg_replication_slots
      WHERE NOT active AND NOT pg_is_in_recovery() AND restart_lsn IS NOT NULL`,
  );
  const failing: Found = {
    check: "archive-failing",
    severity: "error",
    message: describeFailing(archiver),
    remedy: failingRemedy,
  };
  return [
    ...(archiver.archiving && archiver.failing ? [failing] : []),
    ...warn(
      archiver.archiving && !archiver.failing && archiver.behind,
      "archive-behind",
      `the log was last archived at ${archiver.lastArchived ?? "?"}, and more has been written since`,
      "Look whether archive_command hangs (server's log), and at archive_timeout.",
    ),
    ...warn(
      slots.length > 0,
      "inactive-slots",
      `replication slots that nobody reads keep the log: ${slots.map(({ slot, bytes }) => `${slot} (${Math.round(Number(bytes) / 1e6)} MB)`).join(", ")}`,
      "Start their readers, or drop them: SELECT pg_drop_replication_slot(NAME);",
    ),
    ...warn(
      age > oldTransactions,
      "wraparound",
      `the oldest transaction is ${age} transactions old; PostgreSQL stops writing at 2 147 483 648`,
      "VACUUM (FREEZE) the database; look for long transactions, slots and prepared transactions that keep it from freezing.",
    ),
  ];
}

function warn(wrong: boolean, check: string, message: string, remedy: string): Found[] {
  return wrong ? [{ check, severity: "warning", message, remedy }] : [];
}
