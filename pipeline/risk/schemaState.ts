import type { ColumnType } from "./columnType.js";
import type { ConstraintKind, TriggerSpec } from "./change.js";
import { Functions } from "./knownFunctions.js";
import type { Name } from "./names.js";

/** A column as far as the history tells. */
export interface Column {
  name: string;
  /** `undefined`: not known. */
  type: ColumnType | undefined;
  notNull: boolean;
  hasDefault: boolean;
  /** The text of the default, where it is a text or an enum's value. */
  defaultText?: string | undefined;
  generated: "stored" | "virtual" | undefined;
  /** Its default is what only the database can work out: a function, the next number of a sequence. */
  computed: boolean;
  /** Number of the migration that made it. */
  readonly madeBy: number;
}

export interface TableConstraint {
  name: string;
  readonly kind: ConstraintKind;
  columns: string[];
  validated: boolean;
  /** Columns that cannot be null where it holds. */
  notNull: string[];
  readonly references: Table | undefined;
  readonly madeBy: number;
}

export interface Index {
  name: string;
  schema: string;
  columns: string[];
  /** Its columns in order; undefined where it is over an expression. */
  keys: string[] | undefined;
  readonly unique: boolean;
  /** See `IndexSpec`. */
  readonly plain: boolean;
  readonly madeBy: number;
}

/** A trigger or rule of a table or view. */
export interface Trigger extends TriggerSpec {
  readonly madeBy: number;
}

/** A table; the same object through renames. */
export interface Table {
  schema: string;
  name: string;
  /** `schema.table` in the database that the first assessed migration meets. */
  factsKey: string | undefined;
  readonly columns: Map<string, Column>;
  /** Every column is known. */
  complete: boolean;
  readonly constraints: Map<string, TableConstraint>;
  readonly indexes: Map<string, Index>;
  /** Its partitions, and the tables that inherit from it: what is done to its rows is done to theirs. */
  readonly partitions: Set<Table>;
  readonly partitioned: boolean;
  /** It is the partition of what fits into no other. */
  isDefault: boolean;
  readonly triggers: Map<string, Trigger>;
  /** The history puts rows into it. */
  filled: boolean;
  /** Functions that a new row calls: by a default or a CHECK. */
  readonly rowCalls: Set<string>;
  unlogged: boolean;
  /** -1: was there before all that is known. */
  readonly madeBy: number;
}

/** A view, with what it reads. */
export interface View {
  schema: string;
  name: string;
  readonly materialized: boolean;
  readonly reads: readonly { readonly table: Table; readonly columns: ReadonlySet<string> }[];
  readonly triggers: Map<string, Trigger>;
  readonly definition: string;
  /** Others than its owner were given rights on it. */
  granted: boolean;
  readonly madeBy: number;
}

export type UserType =
  | { readonly kind: "enum"; values: Set<string>; readonly madeBy: number }
  | { readonly kind: "domain"; readonly base: ColumnType | undefined; constrained: boolean; readonly madeBy: number }
  | { readonly kind: "other"; readonly madeBy: number };

/** Where PostgreSQL puts what ends with the session. */
export const temporarySchema = "pg_temp";

/** The database's schema as the migrations read so far leave it. */
export class SchemaState {
  readonly tables = new Map<string, Table>();
  readonly views = new Map<string, View>();
  readonly types = new Map<string, UserType>();
  readonly functions = new Functions();
  /** The schemas that an unqualified name is looked for in. */
  searchPath: readonly string[];
  timeZone: string | undefined;
  /** Number of the migration being read. */
  migration = 0;

  constructor(
    readonly defaultSchema: string,
    /** What is not known here is not there. */
    public certain: boolean,
  ) {
    this.searchPath = [defaultSchema];
  }

  key(name: Name): string {
    if (name.schema !== undefined) return `${name.schema}.${name.name}`;
    return `${this.searchPath[0] ?? this.defaultSchema}.${name.name}`;
  }

  /** The key under which a name is found on the search path; a temporary thing comes before all others. */
  find(name: Name, among: ReadonlyMap<string, unknown>): string | undefined {
    if (name.schema !== undefined) return among.has(this.key(name)) ? this.key(name) : undefined;
    const temporary = `${temporarySchema}.${name.name}`;
    if (among.has(temporary)) return temporary;
    const schemas = this.searchPath.length > 0 ? this.searchPath : [this.defaultSchema];
    return schemas.map((schema) => `${schema}.${name.name}`).find((key) => among.has(key));
  }

  table(name: Name): Table | undefined {
    const key = this.find(name, this.tables);
    return key === undefined ? undefined : this.tables.get(key);
  }

  view(name: Name): View | undefined {
    const key = this.find(name, this.views);
    return key === undefined ? undefined : this.views.get(key);
  }

  type(name: Name): UserType | undefined {
    const key = this.find(name, this.types);
    return key === undefined ? undefined : this.types.get(key);
  }

  /** Each migration runs in a session whose settings are the connection's own, and what is temporary ends with it. */
  endSession(): void {
    this.searchPath = [this.defaultSchema];
    this.timeZone = undefined;
    for (const things of [this.tables, this.views, this.types]) {
      for (const key of [...things.keys()]) if (key.startsWith(`${temporarySchema}.`)) things.delete(key);
    }
  }

  triggersOf(name: Name): readonly Trigger[] {
    return [...((this.table(name) ?? this.view(name))?.triggers.values() ?? [])];
  }

  /** Where an index is, whatever schema it is looked for in. */
  index(name: Name): { table: Table; index: Index } | undefined {
    for (const table of this.tables.values()) {
      const index = table.indexes.get(name.name);
      if (index !== undefined && (name.schema === undefined || index.schema === name.schema)) return { table, index };
    }
    return undefined;
  }

  /** Views that read a column (`undefined`: anything) of a table. */
  viewsOn(table: Table, column?: string): View[] {
    return [...this.views.values()].filter((view) =>
      view.reads.some(
        (read) => read.table === table && (column === undefined || read.columns.has(column) || read.columns.has("*")),
      ),
    );
  }

  /** Foreign keys of other tables that point at this one. */
  referencing(table: Table): { table: Table; constraint: TableConstraint }[] {
    return [...this.tables.values()].flatMap((other) =>
      [...other.constraints.values()].flatMap((constraint) =>
        constraint.references === table && other !== table ? [{ table: other, constraint }] : [],
      ),
    );
  }
}
