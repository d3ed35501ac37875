import { createHash } from "node:crypto";
import type pg from "pg";
import type { MigrationRef } from "../contracts.js";
import { readForm } from "../postgres/form.js";
import type { PrismaSchema } from "./schema.js";

/**
 * What a comparison of the database with its migrations depends on, as one hash: the form of the database, the migrations that
 * made it and the Prisma schema. Where it is that of a comparison that found no drift, there is none now, and the migrations
 * need not be replayed again.
 */
export async function driftProof(
  client: pg.ClientBase,
  applied: readonly MigrationRef[],
  { files, defaultSchema }: Pick<PrismaSchema, "files" | "defaultSchema">,
): Promise<string> {
  const migrations = applied.map(({ name, checksum }) => [name, checksum]);
  const text = JSON.stringify([await readForm(client), migrations, files, defaultSchema]);
  return createHash("sha256").update(text).digest("hex");
}
