import { ColumnTypeEnum, type SqlResultSet } from "@prisma/driver-adapter-utils";
import pg from "pg";

/** PostgreSQL's internal type `"char"`, one byte; the catalogue uses it for kinds of things. */
const charOid = 18;
const textOid = 25;

/** The pool's own `query`; always applied to a pool. */
const plainQuery = Reflect.get(pg.Pool.prototype, "query") as (...args: unknown[]) => unknown;

/**
 * A pool that makes up for a type which Prisma's adapter does not know: its engine reads the catalogue with columns of the type
 * `"char"` and stops working where they do not come as characters. The adapter is told that they are text, and what it makes of
 * them is put right by {@link CatalogPool.mend}.
 */
export class CatalogPool extends pg.Pool {
  /** Which columns of a query have that type, by the text of the query. */
  readonly #charColumns = new Map<string, readonly number[]>();

  constructor(
    config: pg.PoolConfig,
    /** Told what a query was answered with, which the adapter and the engine turn into a text. */
    private readonly onError: (error: unknown) => void = () => undefined,
  ) {
    super(config);
  }

  // Its many overloads all end here; the adapter uses the one that returns a promise.
  override readonly query = this.#query.bind(this) as unknown as pg.Pool["query"];

  async #query(...args: unknown[]): Promise<unknown> {
    let result: unknown;
    try {
      result = await Reflect.apply(plainQuery, this, args);
    } catch (error) {
      this.onError(error);
      throw error;
    }
    const columns: number[] = [];
    for (const [at, field] of fieldsOf(result).entries()) {
      if (field.dataTypeID !== charOid) continue;
      field.dataTypeID = textOid;
      columns.push(at);
    }
    const text = textOf(args[0]);
    if (columns.length > 0 && text !== undefined) this.#charColumns.set(text, columns);
    return result;
  }

  /** Declares as characters what the adapter took for text. */
  mend(sql: string, result: SqlResultSet): SqlResultSet {
    const columns = this.#charColumns.get(sql);
    if (columns === undefined) return result;
    return {
      ...result,
      columnTypes: result.columnTypes.map((type, at) => (columns.includes(at) ? ColumnTypeEnum.Character : type)),
    };
  }
}

function fieldsOf(result: unknown): pg.FieldDef[] {
  const fields: unknown = typeof result === "object" && result !== null ? Reflect.get(result, "fields") : undefined;
  return Array.isArray(fields) ? (fields as pg.FieldDef[]) : [];
}

function textOf(query: unknown): string | undefined {
  const text: unknown = typeof query === "object" && query !== null ? Reflect.get(query, "text") : query;
  return typeof text === "string" ? text : undefined;
}
