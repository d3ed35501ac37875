import { createHash } from "node:crypto";
import pg from "pg";
import type { StageContext } from "../context.js";
import type { Database, RefreshResult } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { withClient } from "../postgres/connection.js";
import { openReader, stoppable } from "../postgres/readSession.js";
import { describeSqlError } from "../prisma/sqlError.js";
import { compareCatalogues, readCatalogue } from "../rehearsal/catalogue.js";
import { listColumns, nameOf, resolve } from "./columns.js";
import { readDeclared } from "./declared.js";
import { assertForgotten, assertGone, noteOriginals } from "./originals.js";
import { writeAnew } from "./writeAnew.js";

export interface AnonymiseFile {
  /** Its name, for messages. */
  readonly file: string;
  readonly sql: string;
}

const applicationName = "safe-migration anonymise";

/**
 * Runs a file that anonymises on a database that nobody else can connect to, as the role that owns its tables, and proves what it
 * declares: no value that a declared column held is left in it, nor in any other column with text. Then writes every table
 * anew, and proves that neither dead rows nor the planner's statistics have kept one.
 *
 * @param copy the restored database, beside the one whose place it is to take.
 * @throws PipelineError (`failedUnchanged`) where the file fails, leaves values behind, changes the schema, or where
 * the role may not write every table anew.
 */
export async function anonymise(
  copy: Database,
  { file, sql }: AnonymiseFile,
  { log, signal }: StageContext,
): Promise<NonNullable<RefreshResult["anonymised"]>> {
  const declared = await readDeclared(file, sql);
  const watcher = await openReader(copy, applicationName);
  const watched = <T>(work: () => Promise<T>) => stoppable(copy, watcher, signal, work);
  const proved = await (async () => {
    try {
      const looked = await watched(async () => resolve(file, declared, await listColumns(watcher)));
      const values = await watched(() => noteOriginals(watcher, looked));
      log.info(`the columns that ${file} anonymises hold ${values} different values`, {
        columns: looked.declared.length,
      });
      const schema = await readCatalogue(watcher);
      await runFile(copy, { file, sql }, signal);
      const differences = compareCatalogues(schema, await readCatalogue(watcher));
      if (differences.length > 0) throw changesSchema(file, differences);
      await watched(() => assertGone(watcher, file, looked));
      log.info(`none of them is left in its column, nor in any of ${looked.others.length} others with text`);
      await writeAnew(copy, { signal });
      await watched(() => assertForgotten(watcher, looked));
      return { columns: looked.declared.map(nameOf), values, searched: looked.others.length };
    } finally {
      await watcher.end().catch(() => undefined);
    }
  })();
  return { file, sha256: createHash("sha256").update(sql).digest("hex"), ...proved };
}

async function runFile(copy: Database, { file, sql }: AnonymiseFile, signal: AbortSignal): Promise<void> {
  const settings = {
    statement_timeout: "0",
    ...(copy.schema === undefined ? {} : { search_path: `${pg.escapeIdentifier(copy.schema)}, public` }),
  };
  const role = copy.migrateAs === undefined ? {} : { role: copy.migrateAs };
  await withClient(copy, { applicationName, settings, ...role }, async (client) => {
    try {
      await stoppable(copy, client, signal, () => client.query(sql));
    } catch (error) {
      if (signal.aborted || !(error instanceof pg.DatabaseError)) throw error;
      throw fails(file, error, sql);
    }
  });
}

/**
 * What PostgreSQL says below its first line may quote a person's data, and is left out; so is all that it says of a value that
 * cannot be converted (class 22).
 */
function fails(file: string, error: pg.DatabaseError, sql: string): PipelineError {
  const { message, sqlState = "", line, column, excerpt } = describeSqlError(error, sql);
  const where = line === undefined ? "" : `, line ${line}, column ${column}`;
  const said = sqlState.startsWith("22") ? "a value does not fit its type" : message.split("\n", 1)[0];
  return new PipelineError(
    {
      code: "ANONYMISE_FAILED",
      kind: "failedUnchanged",
      message: `${file}${where} fails: ${said} (SQLSTATE ${sqlState})${excerpt === "" ? "" : `\n${excerpt}`}`,
      state: "The database is as it was; what was restored beside it is dropped, and nobody could connect to it.",
      next: `Mend ${file}, then run the same command.`,
    },
    { cause: error },
  );
}

function changesSchema(file: string, differences: readonly string[]): PipelineError {
  return new PipelineError({
    code: "ANONYMISE_SCHEMA",
    kind: "failedUnchanged",
    message: `${file} changes the schema, which is to be the backup's: ${differences.slice(0, 10).join("; ")}.`,
    state: "The database is as it was; what was restored beside it is dropped, and nobody could connect to it.",
    next: `Let ${file} change data only (what it switches off for a while it switches on again), then run the same command.`,
  });
}
