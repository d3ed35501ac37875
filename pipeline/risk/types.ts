import type { Tier } from "../contracts/tiers.js";

export { type Tier, defaultLargeTableBytes, tiers } from "../contracts/tiers.js";

/**
 * What the risk classifier is asked and what it answers. The tiers are the seed plan's three lists: 🟢 safe, 🟡 risky
 * (acknowledged), 🔴 dangerous (approved).
 */

/** What a statement does to what was there before its migration. */
export type Effect =
  /** PostgreSQL writes the table anew (its event trigger `table_rewrite` fires); other sessions wait meanwhile. */
  | "rewrite"
  /** A table, or a column of a table, that was there before is dropped (event trigger `sql_drop`). */
  | "drop"
  /** Every row is read while a lock is held, or an index is built. */
  | "scan"
  /** A lock that blocks readers or writers is held for longer than an instant. */
  | "lock"
  /** Values are lost or changed. */
  | "loss"
  /** The application that is running does not work with the schema after it. */
  | "breaks"
  /** It may fail, depending on the data or on what depends on it. */
  | "fails"
  /** What it does cannot be undone by SQL alone. */
  | "irreversible"
  /** It cannot be seen what it does. */
  | "opaque";

/** One statement that is above safe, and why. */
export interface RiskFinding {
  /** Identifier of the rule; its page is `docs/risks/<rule>.md`. */
  readonly rule: string;
  readonly tier: Tier;
  /** Line in the file, from 1. */
  readonly line: number;
  /** What the statement does, naming what it does it to. */
  readonly message: string;
  /** The way of doing it that avoids the risk. */
  readonly safer: string;
  readonly effects: readonly Effect[];
  /** Set where a comment `-- risk-ignore: <rule> <reason>` answers for it; it then does not count for the file's tier. */
  readonly ignored?: { readonly reason: string };
}

/** The risk of one migration file. */
export interface FileRisk {
  readonly file: string;
  /** Highest tier of its findings that are not ignored. */
  readonly tier: Tier;
  readonly effects: readonly Effect[];
  readonly findings: readonly RiskFinding[];
  /** What could not be known without a database, or from the history. */
  readonly unknowns: readonly string[];
}

/** Size of a table in the database that a migration meets. */
export interface TableFacts {
  readonly rows: number;
  readonly bytes: number;
}

export interface RiskOptions {
  /** Major version of the server; decides what it rewrites and scans. */
  readonly postgresMajor: number;
  /** Size in bytes from which a table is large: what only blocks (†) is risky from there on. */
  readonly largeTableBytes: number;
  /** Sizes by `schema.table`, unquoted names; absent: no database is at hand. */
  readonly facts?: ReadonlyMap<string, TableFacts>;
  /**
   * Whether the migrations given are the whole history, so that what they did not create is not there. Default: true.
   * A file judged by itself says false: whatever it names may exist.
   */
  readonly wholeHistory?: boolean;
  /** The schema of unqualified names: `schema` of the connection URL. Default: `public`. */
  readonly defaultSchema?: string;
}

/** One migration of a history. */
export interface MigrationSource {
  readonly name: string;
  /** Reported as the file. */
  readonly path: string;
  readonly sql: string;
}
