import type { Change } from "./change.js";
import { type Name, show } from "./names.js";
import type { Column, SchemaState, Table } from "./schemaState.js";
import type { Effect, RiskOptions, TableFacts, Tier } from "./types.js";

/** The migration that a statement stands in. */
export interface FileContext {
  readonly changes: readonly Change[];
  readonly statements: number;
  /** It says `-- no-transaction`: its statements run one by one. */
  readonly noTransaction: boolean;
  /** Every string constant in its statements, but for those that name a new value of an enum. */
  readonly texts: ReadonlySet<string>;
  /** Foreign keys that the file has dropped so far, by table and column. */
  readonly droppedKeys: Map<Table, Map<string, Table>>;
  /** Tables that were there before, and that the file has locked so far so that others wait to write, or to read too. */
  readonly locked: Set<Table>;
}

/** What a rule may know: the schema as it is before the change, the rest of the file, and what the database told. */
export class RuleContext {
  constructor(
    readonly state: SchemaState,
    readonly options: RiskOptions,
    readonly file: FileContext,
    /** Effects that changes would have, judged by all rules. */
    readonly effectsOf: (changes: readonly Change[]) => readonly Effect[],
  ) {}

  get postgres(): number {
    return this.options.postgresMajor;
  }

  /** Made by the migration that is being read. */
  isNew(thing: { readonly madeBy: number } | undefined): boolean {
    return thing !== undefined && thing.madeBy === this.state.migration;
  }

  /** Likewise of a table with its partitions and heirs: one that was there before makes its rows part of it. */
  isNewTable(table: Table | undefined): boolean {
    return table !== undefined && this.isNew(table) && [...table.partitions].every((part) => this.isNewTable(part));
  }

  column(table: Name, column: string): Column | undefined {
    return this.state.table(table)?.columns.get(column);
  }

  /** The columns are all made by this migration and hold nothing: nullable and without a default. */
  areNewAndEmpty(table: Name, columns: readonly string[]): boolean {
    return (
      columns.length > 0 &&
      columns.every((name) => {
        const column = this.column(table, name);
        return this.isNew(column) && column?.hasDefault === false && !this.isFilled(table, name);
      })
    );
  }

  /** An UPDATE of this file gives the column values. */
  isFilled(table: Name, column: string): boolean {
    const key = this.state.key(table);
    return this.file.changes.some(
      (change) => change.kind === "write" && change.columns.includes(column) && this.state.key(change.table) === key,
    );
  }

  /** `undefined`: no database is at hand, or it does not know the table. */
  facts(table: Name): TableFacts | undefined {
    const { facts } = this.options;
    if (facts === undefined) return undefined;
    const known = this.state.table(table);
    // Made by a pending migration: not there yet.
    return known === undefined ? facts.get(this.state.key(table)) : factsOf(known, facts);
  }

  isEmpty(table: Name): boolean {
    return this.facts(table)?.rows === 0;
  }

  /**
   * The tier of what only blocks, and for how long is a matter of size (†): safe below the configured size, risky above.
   * Without a database it is safe, and what is not known is said.
   */
  bySize(...tables: readonly Name[]): { tier: Tier; unknowns: readonly string[] } {
    const sizes = tables.map((table) => ({ table, bytes: this.facts(table)?.bytes }));
    const large = sizes.some(({ bytes }) => bytes !== undefined && bytes >= this.options.largeTableBytes);
    const unknown = sizes.filter(({ bytes }) => bytes === undefined);
    return {
      tier: large ? "risky" : "safe",
      unknowns: unknown.map(
        ({ table }) => `the size of ${show(table)} (risky from ${megabytes(this.options.largeTableBytes)} on)`,
      ),
    };
  }

  /** What needs rows to be a risk is none on a table that is known to be empty. */
  unlessEmpty(table: Name, tier: Tier): Tier {
    return this.isEmpty(table) ? "safe" : tier;
  }

  /** The name stands for something that is certainly not there. */
  isAbsent(name: Name, among: ReadonlyMap<string, unknown>): boolean {
    return this.state.certain && this.state.find(name, among) === undefined;
  }

  /** The table that a column pointed at before the file dropped its foreign key. */
  droppedReference(table: Table, column: string): Table | undefined {
    return this.file.droppedKeys.get(table)?.get(column);
  }

  knownTable(name: Name): Table | undefined {
    return this.state.table(name);
  }
}

/** Of a table that a pending migration makes: what it holds by way of tables that are there. */
function factsOf(table: Table, facts: ReadonlyMap<string, TableFacts>): TableFacts | undefined {
  if (table.factsKey !== undefined) return facts.get(table.factsKey);
  // How many rows a pending migration will put into it, nobody knows yet.
  if (table.filled) return undefined;
  const parts = [...table.partitions].map((part) => factsOf(part, facts));
  return parts.reduce<TableFacts | undefined>(
    (sum, part) =>
      sum === undefined || part === undefined
        ? undefined
        : { rows: sum.rows + part.rows, bytes: sum.bytes + part.bytes },
    { rows: 0, bytes: 0 },
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
