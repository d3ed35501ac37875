import type { StageContext } from "../context.js";
import type { MigrateStatusResult, StageRequest } from "../contracts.js";
import { withClient } from "../postgres/connection.js";
import { assertEnvironment } from "../postgres/identity.js";
import { readMigrateStatus } from "../prisma/migrateStatus.js";
import { stamp } from "./stamp.js";

/** `prisma:migrate:status` where the database is reached from: each migration's state, and drift. Only reads. */
export async function migrateStatus(request: StageRequest, _context: StageContext): Promise<MigrateStatusResult> {
  const started = Date.now();
  const { environment, database } = request;
  await withClient(database, { applicationName: "safe-migration status" }, (client) =>
    assertEnvironment(client, environment),
  );
  const status = await readMigrateStatus(request);
  return { stage: "migrate-status", ...stamp(request, started), status };
}
