import type { SchemaEngine } from "@prisma/schema-engine-wasm/schema_engine_bg";
import { z } from "zod";
import type { Database } from "../../pipeline/contracts.js";
import { withAdvisoryLock } from "../../pipeline/prisma/advisoryLock.js";
import type { OpenEngine } from "../../pipeline/prisma/engine.js";
import { isProvedUnchanged, readHistory } from "../../pipeline/prisma/history.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { assertDisposable, assertOwn, canConnect, createDatabase } from "./engineCommands.js";
import { UserFacingError } from "./engineLog.js";

/** What a method works with. */
export interface MethodContext {
  readonly database: Database;
  readonly defaultSchema: string;
  readonly engine: () => Promise<OpenEngine>;
  /** Prints for the person at Prisma's CLI. */
  readonly print: (text: string) => Promise<void>;
}

type Method = (params: never, context: MethodContext) => Promise<unknown>;

/** Prisma's own wait for its lock, in milliseconds. */
const lockWaitMs = 10_000;

/** Calls the engine and hands on its errors as what really happened. */
async function ask<T>({ engine }: MethodContext, work: (api: SchemaEngine) => Promise<T>): Promise<T> {
  const opened = await engine();
  return opened.call(() => work(opened.api));
}

/** As `ask`, for what must not be done twice at once, nor to the database of another environment. */
async function locked<T>(context: MethodContext, work: (api: SchemaEngine) => Promise<T>): Promise<T> {
  await assertOwn(context.database);
  return withAdvisoryLock(context.database, lockWaitMs, () => ask(context, work));
}

/** Rows that a killed or failed run left, and that are proved to have changed nothing, stand in nobody's way. */
async function clearProved(context: MethodContext, api: SchemaEngine): Promise<void> {
  const rows = await withClient(context.database, { applicationName: "safe-migration prisma" }, (client) =>
    readHistory(client, context),
  );
  for (const { name } of rows.filter(isProvedUnchanged)) await api.markMigrationRolledBack({ migrationName: name });
}

async function applyMigrations(
  params: Parameters<SchemaEngine["applyMigrations"]>[0],
  context: MethodContext,
): Promise<unknown> {
  return locked(context, async (api) => {
    await clearProved(context, api);
    try {
      return await api.applyMigrations(params);
    } catch (error) {
      await clearProved(context, api);
      throw error;
    }
  });
}

/**
 * These two cannot make a shadow database in the WebAssembly engine, and take the one that `devDiagnostic` made of the same
 * migrations. Prisma's CLI calls that one too, but before it applies what is pending.
 */
async function replayed(api: SchemaEngine, params: Parameters<SchemaEngine["devDiagnostic"]>[0]): Promise<void> {
  await api.devDiagnostic({ migrationsList: params.migrationsList, filters: params.filters });
}

const introspectParams = z.looseObject({ namespaces: z.array(z.string()).nullish() });

/** The methods of the native engine's JSON-RPC interface, by name. */
export const methods: Readonly<Record<string, Method>> = {
  applyMigrations,
  createDatabase: async (_: unknown, { database }: MethodContext) => {
    await createDatabase(database);
    return { databaseName: database.name };
  },
  createMigration: (params: Parameters<SchemaEngine["createMigration"]>[0], context: MethodContext) =>
    ask(context, (api) => replayed(api, params).then(() => api.createMigration(params))),
  dbExecute: async (params: Parameters<SchemaEngine["dbExecute"]>[0], context: MethodContext) => {
    await assertOwn(context.database);
    await ask(context, (api) => api.dbExecute(params));
    return null;
  },
  devDiagnostic: (params: Parameters<SchemaEngine["devDiagnostic"]>[0], context: MethodContext) =>
    locked(context, async (api) => {
      await clearProved(context, api);
      return api.devDiagnostic(params);
    }),
  diagnoseMigrationHistory: (params: Parameters<SchemaEngine["diagnoseMigrationHistory"]>[0], context: MethodContext) =>
    ask(context, (api) => api.diagnoseMigrationHistory(params)),
  diff: async (params: Parameters<SchemaEngine["diff"]>[0], context: MethodContext) => {
    const { exitCode, stdout } = await ask(context, (api) =>
      api.diff({ ...params, exitCode: params.exitCode ?? null }),
    );
    if (stdout !== null && stdout !== "") await context.print(stdout.replace(/\n$/, ""));
    return { exitCode, stdout: null };
  },
  ensureConnectionValidity: async (_: unknown, { database }: MethodContext) => {
    await canConnect(database);
    return {};
  },
  evaluateDataLoss: (params: Parameters<SchemaEngine["evaluateDataLoss"]>[0], context: MethodContext) =>
    ask(context, (api) => replayed(api, params).then(() => api.evaluateDataLoss(params))),
  getDatabaseVersion: (_: unknown, context: MethodContext) => ask(context, (api) => api.version(null)),
  introspect: (params: Parameters<SchemaEngine["introspect"]>[0], context: MethodContext) => {
    const { namespaces } = introspectParams.parse(params);
    return ask(context, (api) => api.introspect({ ...params, namespaces: namespaces ?? null }));
  },
  markMigrationApplied: (params: Parameters<SchemaEngine["markMigrationApplied"]>[0], context: MethodContext) =>
    locked(context, (api) => api.markMigrationApplied(params)),
  markMigrationRolledBack: (params: Parameters<SchemaEngine["markMigrationRolledBack"]>[0], context: MethodContext) =>
    locked(context, (api) => api.markMigrationRolledBack(params)),
  reset: async (params: Parameters<SchemaEngine["reset"]>[0], context: MethodContext) => {
    assertDisposable("reset");
    await locked(context, (api) => api.reset(params));
    return null;
  },
  schemaPush: (params: Parameters<SchemaEngine["schemaPush"]>[0], context: MethodContext) => {
    assertDisposable("pushed to");
    return locked(context, (api) => api.schemaPush(params));
  },
};

/** @throws UserFacingError for a method that the WebAssembly engine does not have. */
export function methodOf(name: string): (params: unknown, context: MethodContext) => Promise<unknown> {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined)
    throw new UserFacingError(undefined, `Prisma's WebAssembly schema engine has no method "${name}".`);
  // The parameters come from Prisma's CLI of the same version; the engine itself checks them.
  return method as (params: unknown, context: MethodContext) => Promise<unknown>;
}
