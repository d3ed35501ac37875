import type pg from "pg";
import type { StageContext } from "../context.js";
import type { DiagnoseRequest } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { sqlState, withClient } from "../postgres/connection.js";
import { assertEnvironment } from "../postgres/identity.js";
import { loadSchema } from "../prisma/schema.js";
import { openStore } from "../store/open.js";
import { lookAtBackups, lookAtBaseBackups } from "./backups.js";
import { lookAtChecksums, lookForCorruption } from "./corruption.js";
import type { Found, Look } from "./found.js";
import { lookAtMigrations } from "./migrations.js";
import { lookAtArchive, lookAtBloat, lookAtSessions } from "./server.js";
import { lookAtConstraints, lookAtIndexes, lookAtOrphans, lookAtSequences } from "./structure.js";

export interface Examined {
  readonly looked: string[];
  /** Errors first. */
  readonly findings: Found[];
}

/**
 * Looks at everything, only reading. A look that fails does not keep the others from theirs: what it could not see is a finding,
 * too.
 *
 * @throws PipelineError where the database cannot be reached, or is another environment's.
 */
export async function examine(request: DiagnoseRequest, context: StageContext): Promise<Examined> {
  const { database, environment, settings } = request;
  const { log, signal } = context;
  await withClient(database, { applicationName: "safe-migration diagnose" }, (client) =>
    assertEnvironment(client, environment),
  );
  const schema = await loadSchema(request.project.schema, database.schema);
  const options = {
    applicationName: "safe-migration diagnose",
    // A table that somebody holds exclusively is not waited for.
    settings: { lock_timeout: "5s", default_transaction_read_only: "on", statement_timeout: "0" },
  };
  const reading = (what: string, look: (client: pg.Client) => Promise<Found[]>): Look => ({
    what,
    look: () => withClient(database, options, look),
  });
  const batch = `moved_${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}`;
  const looks: Look[] = [
    ...(request.quick
      ? []
      : [{ what: "corruption of tables and indexes", look: () => lookForCorruption(database, environment, context) }]),
    reading("checksums of pages", lookAtChecksums),
    { what: "migrations and drift", look: () => lookAtMigrations(request, schema, context) },
    reading("rows that point at nothing", (client) => lookAtOrphans(client, schema, batch)),
    reading("indexes", lookAtIndexes),
    reading("constraints", lookAtConstraints),
    reading("sequences", lookAtSequences),
    reading("dead rows", lookAtBloat),
    reading("sessions in the way", (client) => lookAtSessions(client, settings)),
    reading("archive, slots and age of transactions", lookAtArchive),
    ...(database.archive === undefined
      ? []
      : [{ what: "base backups of the server", look: () => lookAtBaseBackups(request, signal) }]),
    { what: "backups", look: () => lookAtBackups(openStore(request.store), environment, settings.backup, new Date()) },
  ];
  const findings: Found[] = [];
  for (const [at, one] of looks.entries()) {
    const { what } = one;
    signal.throwIfAborted();
    log.progress(what, at / looks.length);
    findings.push(
      ...(await one.look().catch((error: unknown) => {
        signal.throwIfAborted();
        return [notSeen(what, error)];
      })),
    );
  }
  const errorsFirst = findings.filter(({ severity }) => severity === "error");
  return {
    looked: looks.map(({ what }) => what),
    findings: [...errorsFirst, ...findings.filter(({ severity }) => severity !== "error")],
  };
}

function notSeen(what: string, error: unknown): Found {
  const state = sqlState(error) ?? "";
  const corrupt = /^XX00[12]$/.test(state);
  return {
    check: corrupt ? "corrupt-data" : "not-seen",
    severity: corrupt || state === "" ? "error" : "warning",
    message: `${what} could not be looked at: ${messageOf(error)}${state === "" ? "" : ` (SQLSTATE ${state})`}`,
    remedy:
      error instanceof PipelineError
        ? error.next
        : corrupt
          ? "Restore, and look at the disk."
          : "Mend that, then run this again.",
  };
}
