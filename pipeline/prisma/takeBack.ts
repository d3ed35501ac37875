import type { Database } from "../contracts.js";
import { withClient } from "../postgres/connection.js";
import { type ApplyOptions, MigrationFailure } from "./apply.js";
import { findApplied } from "./attempt.js";
import type { DownScript } from "./down.js";
import { ScriptFailure, runScript } from "./script.js";
import { schemaOf } from "./session.js";

/**
 * Takes an applied migration back with its `down.sql`, whole or not at all wherever PostgreSQL can do that. Its row in Prisma's
 * history is marked as rolled back in the same transaction: Prisma, and the next run, then take it for one that is not applied.
 * The caller holds `withAdvisoryLock`, and has taken back all that was applied after it.
 *
 * @returns the time it took, in milliseconds.
 * @throws MigrationFailure where PostgreSQL refused the script, or it may not be run.
 */
export async function takeBack(
  database: Database,
  name: string,
  down: DownScript,
  options: ApplyOptions,
): Promise<{ durationMs: number }> {
  const session = { database, defaultSchema: schemaOf(database) };
  const attempt = await withClient(database, { applicationName: "safe-migration rollback" }, (client) =>
    findApplied(client, session, name),
  );
  if (attempt === undefined) throw new Error(`migration "${name}" is not applied`);
  const started = performance.now();
  try {
    await runScript(down.sql, { ...options, session }, attempt);
  } catch (error) {
    throw error instanceof ScriptFailure ? new MigrationFailure(name, error) : error;
  }
  return { durationMs: Math.round(performance.now() - started) };
}
