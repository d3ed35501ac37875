import { PrismaPg } from "@prisma/adapter-pg";
import {
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import pg from "pg";
import { PipelineError } from "../errors.js";
import { connectError, isConnectionError } from "../postgres/connection.js";
import { CatalogPool } from "./catalogPool.js";
import { Replay } from "./replay.js";
import { ScriptFailure, type ScriptOptions, runScript } from "./script.js";
import { sessionConfig } from "./session.js";
import { createShadowDatabase } from "./shadow.js";
import { describeSqlError } from "./sqlError.js";
import { markStart } from "./startMark.js";

/** Shown in `pg_stat_activity` by the connections on which Prisma's engine looks and keeps its history. */
const engineApplicationName = "safe-migration engine";

export interface AdapterOptions extends ScriptOptions {
  /** The database is made for this and thrown away; scripts are run as in a shadow database. */
  readonly disposable: boolean;
}

/**
 * Prisma's PostgreSQL adapter with its two faults mended. Its `executeScript` splits SQL at every `;` and runs the pieces on
 * whatever connection is free, which breaks function bodies and leaves a failed migration half applied; and its shadow database
 * stays behind after a crash. Queries go through Prisma's own adapter.
 */
export class MendedAdapterFactory implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = "postgres";
  readonly adapterName = "@prisma/adapter-pg";
  readonly #options: AdapterOptions;
  readonly #cleanUps: (() => Promise<void>)[] = [];
  #failure: unknown;

  constructor(options: AdapterOptions) {
    this.#options = options;
  }

  /** What was thrown last while the engine worked; the engine itself hands on only a text. */
  get failure(): unknown {
    return this.#failure;
  }

  async connect(): Promise<SqlDriverAdapter> {
    const { session } = this.#options;
    const config = await sessionConfig(session, engineApplicationName);
    const { pool } = this.#pool(config);
    const inner = await new PrismaPg(pool, { schema: session.defaultSchema }).connect();
    if (this.#options.disposable) {
      const replay = this.#replay(config);
      return wrap(inner, pool, (script) => replay.run(script));
    }
    return wrap(inner, pool, (script) => this.#remember(runScript(script, this.#options)));
  }

  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    const { session, log } = this.#options;
    const shadow = await this.#remember(createShadowDatabase(session.database, log));
    const drop = this.#once(() => shadow.drop());
    const config = await sessionConfig(session, "safe-migration shadow", shadow.name);
    const opened = this.#pool(config);
    const replay = this.#replay(config);
    const inner = await new PrismaPg(opened.pool, { schema: session.defaultSchema }).connect();
    return wrap(
      inner,
      opened.pool,
      (script) => replay.run(script),
      async () => {
        await replay.end();
        await opened.end();
        await drop();
      },
    );
  }

  /** Ends every connection and drops what is left of shadow databases; without it the process would not end. */
  async close(): Promise<void> {
    const failed: unknown[] = [];
    // One that fails must not keep the others from their turn: a shadow database would stay.
    for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp().catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  }

  #pool(config: pg.ClientConfig): { pool: CatalogPool; end(): Promise<void> } {
    const { database } = this.#options.session;
    const pool = new CatalogPool({ ...config, max: 2 }, (error) => {
      // The first of several failures is the cause of the others.
      if (this.#failure instanceof PipelineError || this.#failure instanceof ScriptFailure) return;
      this.#failure = isConnectionError(error)
        ? connectError(error, database, config.database ?? database.name)
        : error;
    });
    // An idle connection that is lost is told by the next query; without a listener it would end the process.
    pool.on("error", () => undefined);
    return { pool, end: this.#once(() => pool.end()) };
  }

  #replay(config: pg.ClientConfig): { run(script: string): Promise<void>; end(): Promise<void> } {
    const replay = new Replay(config);
    const fail = (error: unknown, script: string): never => {
      throw new ScriptFailure(describeSqlError(error, script), "partial", undefined, { cause: error });
    };
    return {
      run: (script) => this.#remember(replay.run(script).catch((error: unknown) => fail(error, script))),
      end: this.#once(() => replay.end()),
    };
  }

  #once(work: () => Promise<void>): () => Promise<void> {
    let done: Promise<void> | undefined;
    const once = (): Promise<void> => (done ??= work());
    this.#cleanUps.push(once);
    return once;
  }

  async #remember<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#failure = error;
      throw error instanceof ScriptFailure ? driverError(error) : error;
    }
  }
}

/**
 * The engine asks for Prisma's lock on a connection of its pool, waits 10 s and keeps it as long as that connection lives. Here
 * the lock is `withAdvisoryLock`'s, round all that must not be done twice at once; the engine's own would wait for that one.
 */
const engineLock = /^\s*select\s+pg_advisory_lock\s*\(\s*\d+\s*\)\s*;?\s*$/i;

/** The adapter with another `executeScript` and without the engine's lock; other queries stay as they are. */
function wrap(
  inner: SqlDriverAdapter,
  pool: CatalogPool,
  executeScript: (script: string) => Promise<void>,
  dispose?: () => Promise<void>,
): SqlDriverAdapter {
  return {
    provider: inner.provider,
    adapterName: inner.adapterName,
    queryRaw: (query) =>
      engineLock.test(query.sql)
        ? Promise.resolve({ columnNames: [], columnTypes: [], rows: [] })
        : inner.queryRaw(markStart(query)).then((result) => pool.mend(query.sql, result)),
    executeRaw: (query) => (engineLock.test(query.sql) ? Promise.resolve(0) : inner.executeRaw(markStart(query))),
    startTransaction: (level) => inner.startTransaction(level),
    getConnectionInfo: () => inner.getConnectionInfo?.() ?? { supportsRelationJoins: true },
    executeScript: (script) => (engineLock.test(script) ? Promise.resolve() : executeScript(script)),
    async dispose() {
      await inner.dispose();
      await dispose?.();
    },
  };
}

/**
 * In the form that Prisma's engine records in its history and shows. The SQLSTATE is in the description: given apart, the
 * engine would replace some messages (of an unknown table, …) by its own, without the place and the mark.
 */
function driverError(failure: ScriptFailure): DriverAdapterError {
  return new DriverAdapterError({
    kind: "postgres",
    code: "XX000",
    severity: "ERROR",
    message: failure.description,
    detail: undefined,
    column: undefined,
    hint: undefined,
  });
}
