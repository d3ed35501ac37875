import pg from "pg";
import type { Database, TableSizes } from "../contracts.js";
import { sqlState, withClient } from "../postgres/connection.js";
import { type Ask, type Inquiry, type Question, type TableName } from "./questions.js";
import { readTableSizes } from "./tableSizes.js";

/** What the database said to a question. */
export interface Answer {
  readonly question: Question;
  /** Rows found, counting stops at {@link most}; `undefined`: not known, `unknown` says why. */
  readonly found?: number;
  /** What was found by name: the views. */
  readonly names?: readonly string[];
  readonly unknown?: string;
}

export interface Facts {
  /** Every table; one that is not here is not there. `undefined`: they could not be had. */
  readonly sizes: TableSizes | undefined;
  readonly answers: readonly Answer[];
  /** No table of the application holds a row, and there is no large object. */
  readonly empty: boolean;
}

/** How long one question may run, and wait for a lock, in milliseconds: preflight is to be quick, and must be in nobody's way. */
const patienceMs = 3_000;

/** Counting rows ends here: that there are many is enough. */
export const most = 1_000;

/** Asks the database at hand; only reads, each question for a bounded time. */
export async function gatherFacts(
  database: Database,
  inquiry: Inquiry,
  limits: { readonly patienceMs: number } = { patienceMs },
): Promise<Facts> {
  const settings = {
    statement_timeout: String(limits.patienceMs),
    // Shorter, so that it is seen which of both it was.
    lock_timeout: String(Math.ceil(limits.patienceMs / 2)),
    default_transaction_read_only: "on",
    // A role that may see only some rows must not find a table empty: PostgreSQL then refuses instead.
    row_security: "off",
  };
  return withClient(database, { applicationName: "safe-migration preflight", settings }, async (client) => {
    const sizes = await readTableSizes(client).catch(notKnown);
    const answers: Answer[] = [];
    for (const question of inquiry.questions) answers.push(await answer(client, question));
    const refined = sizes === undefined ? undefined : await refine(client, sizes, inquiry);
    const empty =
      sizes !== undefined &&
      Object.values(sizes).every(({ rows }) => rows === 0) &&
      (await count(client, "SELECT 1 FROM pg_largeobject_metadata", 1)) === 0;
    return { sizes: refined, answers, empty };
  });
}

/** Why a question has no answer, by SQLSTATE. */
const reasons: Readonly<Record<string, string>> = {
  "57014": "looking took too long",
  "55P03": "the table is locked",
  "42501": "the role may not see all of its rows (a missing right, or row-level security)",
  "42883": "values of this type cannot be compared",
  "42P01": "the table was dropped meanwhile",
  "42703": "the column was dropped meanwhile",
};

/** @throws what is none of the {@link reasons}: a question that is wrong must not look like one without an answer. */
function reasonOf(error: unknown): string {
  const reason = reasons[sqlState(error) ?? ""];
  if (reason === undefined) throw error;
  return reason;
}

function notKnown(error: unknown): undefined {
  reasonOf(error);
}

/**
 * Looks into the tables that the migrations name: one whose rows were deleted is empty though it has pages, and one that the
 * migrations themselves may write to is not called empty.
 */
async function refine(client: pg.Client, sizes: TableSizes, inquiry: Inquiry): Promise<TableSizes> {
  const refined = { ...sizes };
  for (const { table } of inquiry.mentions) {
    const key = `${table.schema}.${table.name}`;
    const size = refined[key];
    if (size === undefined || size.rows === 0) continue;
    const any = await count(client, `SELECT 1 FROM ${sql(table)}`, 1).catch(notKnown);
    if (any === 0) refined[key] = { ...size, rows: 0 };
  }
  for (const [key, size] of Object.entries(refined)) {
    const written = inquiry.opaque || inquiry.written.some(({ schema, name }) => `${schema}.${name}` === key);
    if (written && size.rows === 0) refined[key] = { ...size, rows: 1 };
  }
  return refined;
}

async function answer(client: pg.Client, question: Question): Promise<Answer> {
  try {
    // What a pending migration makes is not there yet, and there is nothing to ask of it.
    if (!(await isThere(client, question))) return { question };
    if (question.ask.kind === "views") {
      const names = await viewsOf(client, question.table, question.ask.column);
      return { question, found: names.length, names };
    }
    return { question, found: await count(client, countedBy(question.table, question.ask), most) };
  } catch (error) {
    return { question, unknown: reasonOf(error) };
  }
}

/** The rows that answer a question. */
function countedBy(table: TableName, ask: Exclude<Ask, { kind: "views" }>): string {
  const from = sql(table);
  const column = pg.escapeIdentifier;
  switch (ask.kind) {
    case "values":
      return `SELECT 1 FROM ${from} WHERE ${column(ask.column)} IS NOT NULL`;
    case "nulls":
      return `SELECT 1 FROM ${from} WHERE ${ask.columns.map((name) => `${column(name)} IS NULL`).join(" OR ")}`;
    case "rows":
      return `SELECT 1 FROM ${from}`;
    case "duplicates": {
      const names = ask.columns.map((name) => column(name));
      // Nulls are not equal to each other.
      const set = names.map((name) => `${name} IS NOT NULL`).join(" AND ");
      return `SELECT 1 FROM ${from} WHERE ${set} GROUP BY ${names.join(", ")} HAVING count(*) > 1`;
    }
    case "orphans": {
      const set = ask.columns.map((name) => `child.${column(name)} IS NOT NULL`).join(" AND ");
      const match = ask.columns
        .map((name, at) => `parent.${column(ask.referenced[at] ?? name)} = child.${column(name)}`)
        .join(" AND ");
      return `SELECT 1 FROM ${from} child WHERE ${set} AND NOT EXISTS (SELECT 1 FROM ${sql(ask.references)} parent WHERE ${match})`;
    }
  }
}

async function count(client: pg.Client, query: string, limit: number): Promise<number> {
  const { rows } = await client.query<{ found: number }>(
    `SELECT count(*)::int AS found FROM (${query} LIMIT ${limit}) AS counted`,
  );
  return rows[0]?.found ?? 0;
}

async function isThere(client: pg.Client, { table, ask }: Question): Promise<boolean> {
  const own = await hasColumns(client, table, columnsOf(ask));
  return own && (ask.kind !== "orphans" || (await hasColumns(client, ask.references, ask.referenced)));
}

function columnsOf(ask: Ask): readonly string[] {
  switch (ask.kind) {
    case "rows":
      return [];
    case "values":
    case "views":
      return [ask.column];
    case "nulls":
    case "duplicates":
    case "orphans":
      return ask.columns;
  }
}

async function hasColumns(client: pg.Client, table: TableName, columns: readonly string[]): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AND $2::text[] <@ ARRAY(
       SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
     ) AS there`,
    [sql(table), columns],
  );
  return rows[0]?.there === true;
}

async function viewsOf(client: pg.Client, table: TableName, column: string): Promise<string[]> {
  const { rows } = await client.query<{ view: string }>(
    `SELECT DISTINCT w.ev_class::regclass::text AS view
       FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_attribute a ON a.attrelid = d.refobjid
      WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = to_regclass($1) AND a.attname = $2 AND d.refobjsubid = a.attnum AND w.ev_class <> d.refobjid
      ORDER BY 1`,
    [sql(table), column],
  );
  return rows.map(({ view }) => view);
}

function sql({ schema, name }: TableName): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}
