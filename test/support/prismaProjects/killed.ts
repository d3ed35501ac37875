import { parseArgs } from "node:util";
import { databaseSchema } from "../../../pipeline/contracts.js";
import { silent } from "../../../pipeline/log.js";
import { withAdvisoryLock } from "../../../pipeline/prisma/advisoryLock.js";
import { applyMigration } from "../../../pipeline/prisma/apply.js";
import { readMigrations } from "../../../pipeline/prisma/migrations.js";

/** Applies one migration in a process of its own, to be killed in the middle of it. */
const { values } = parseArgs({
  options: { database: { type: "string" }, root: { type: "string" }, name: { type: "string" } },
});
const database = databaseSchema.parse(JSON.parse(values.database ?? ""));
const root = values.root ?? "";

void withAdvisoryLock(database, 1_000, async () => {
  const folder = await readMigrations(`${root}/migrations`);
  await applyMigration(database, { schema: `${root}/schema.prisma` }, folder, values.name ?? "", {
    lockTimeoutMs: 1_000,
    statementTimeoutMs: 0,
    log: silent,
  });
});
