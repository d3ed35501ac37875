import type { Node } from "libpg-query";
import type { ColumnType } from "./columnType.js";
import type { FunctionBody } from "./functionBody.js";
import type { Name } from "./names.js";

/** A column as CREATE TABLE or ADD COLUMN describes it. */
export interface ColumnSpec {
  readonly name: string;
  readonly type?: ColumnType;
  readonly notNull: boolean;
  readonly defaultValue?: Node;
  readonly generated?: "stored" | "virtual";
  readonly identity: boolean;
  readonly serial: boolean;
}

export type ConstraintKind = "primary" | "unique" | "foreign" | "check" | "exclude" | "notNull";

export interface ConstraintSpec {
  readonly kind: ConstraintKind;
  /** Absent: PostgreSQL makes one. */
  readonly name?: string;
  readonly columns: readonly string[];
  readonly notValid: boolean;
  readonly usingIndex?: string;
  readonly references?: Name;
  readonly expression?: Node;
}

export interface IndexSpec {
  readonly name?: string;
  /** Columns named in it, those of its expressions and of its WHERE included. */
  readonly columns: readonly string[];
  /** Names of its plain columns in order; undefined where it holds an expression. */
  readonly keys?: readonly string[];
  readonly unique: boolean;
  readonly partial: boolean;
  /** A B-tree over columns alone, in their usual order: its keys say all of it. */
  readonly plain: boolean;
}

/** What DROP, RENAME and SET SCHEMA are about. */
export type ObjectKind =
  | "table"
  | "view"
  | "materialized view"
  | "foreign table"
  | "index"
  | "sequence"
  | "type"
  | "schema"
  | "function"
  | "trigger"
  | "policy"
  | "rule"
  | "extension"
  | "other";

/** What fires a trigger or a rule. */
export type TriggerEvent = "insert" | "update" | "delete" | "truncate" | "select";

/** A trigger, or a rule. */
export interface TriggerSpec {
  readonly name: string;
  readonly events: readonly TriggerEvent[];
  /** UPDATE OF: only where one of these is set; empty: any. */
  readonly columns: readonly string[];
  /** The function that a trigger calls; undefined for a rule, whose statements are {@link calls}. */
  readonly function?: Name;
}

/** How rows are changed. */
export type WriteVerb = "UPDATE" | "DELETE" | "MERGE" | "INSERT … ON CONFLICT DO UPDATE";

/**
 * One thing that a statement does, apart from how it is written: `ALTER TABLE a ADD b int, DROP c` is two. The rules and the
 * schema's state are both told of these.
 */
export type Change =
  | {
      readonly kind: "createTable";
      readonly table: Name;
      readonly columns: readonly ColumnSpec[];
      readonly constraints: readonly ConstraintSpec[];
      readonly ifNotExists: boolean;
      /** False where not all columns are named (LIKE, INHERITS, AS, OF). */
      readonly complete: boolean;
      readonly partitioned: boolean;
      readonly partitionOf?: Name;
      /** The partition of what fits into no other. */
      readonly isDefault: boolean;
      /** Its rows are elsewhere, and were there before. */
      readonly foreign: boolean;
      /** It is made with rows, those of a query. */
      readonly filled: boolean;
      readonly inherits: readonly Name[];
      readonly like: readonly Name[];
      readonly unlogged: boolean;
    }
  | {
      readonly kind: "createView";
      readonly view: Name;
      readonly materialized: boolean;
      readonly query: Node | undefined;
      /** Equal where the view is defined the same. */
      readonly definition: string;
    }
  | {
      readonly kind: "addColumn";
      readonly table: Name;
      readonly column: ColumnSpec;
      /** Those written with the column. */
      readonly constraints: readonly ConstraintSpec[];
      readonly ifNotExists: boolean;
    }
  | {
      readonly kind: "dropColumn";
      readonly table: Name;
      readonly column: string;
      readonly ifExists: boolean;
      readonly cascade: boolean;
    }
  | {
      readonly kind: "alterType";
      readonly table: Name;
      readonly column: string;
      readonly type: ColumnType;
      readonly using?: Node;
      readonly collation?: string;
    }
  | { readonly kind: "setNotNull" | "dropNotNull" | "dropDefault"; readonly table: Name; readonly column: string }
  | { readonly kind: "setDefault"; readonly table: Name; readonly column: string; readonly value: Node }
  | { readonly kind: "setExpression" | "dropExpression"; readonly table: Name; readonly column: string }
  | { readonly kind: "addIdentity" | "dropIdentity"; readonly table: Name; readonly column: string }
  /** SET GENERATED ALWAYS: values that an INSERT gives are refused from then on. */
  | { readonly kind: "identityAlways"; readonly table: Name; readonly column: string }
  | { readonly kind: "addConstraint"; readonly table: Name; readonly constraint: ConstraintSpec }
  | {
      readonly kind: "dropConstraint";
      readonly table: Name;
      readonly constraint: string;
      readonly ifExists: boolean;
      readonly cascade: boolean;
    }
  | { readonly kind: "validateConstraint"; readonly table: Name; readonly constraint: string }
  | {
      readonly kind: "createIndex";
      readonly table: Name;
      readonly index: IndexSpec;
      readonly concurrently: boolean;
      readonly ifNotExists: boolean;
    }
  | { readonly kind: "setLogged" | "setUnlogged"; readonly table: Name }
  /** `how`: as a person would say it. */
  | { readonly kind: "rewriteTable"; readonly table?: Name; readonly how: string }
  | { readonly kind: "moveTable"; readonly table: Name; readonly how: string }
  | { readonly kind: "alterTrigger"; readonly table: Name; readonly how: string }
  /** `of`: what it is about, where that is no table. */
  | { readonly kind: "rowSecurity"; readonly table?: Name; readonly of?: OwnedObject; readonly how: string }
  | {
      readonly kind: "attachPartition";
      readonly table: Name;
      readonly partition: Name;
      readonly isDefault: boolean;
    }
  | {
      readonly kind: "detachPartition";
      readonly table: Name;
      readonly partition: Name;
      readonly concurrently: boolean;
    }
  | { readonly kind: "inherit"; readonly table: Name; readonly parent?: Name; readonly how: string }
  | {
      readonly kind: "drop";
      readonly object: ObjectKind;
      readonly name: Name;
      /** The table of a trigger or policy. */
      readonly table?: Name;
      readonly ifExists: boolean;
      readonly cascade: boolean;
      readonly concurrently: boolean;
      /** Types of the arguments of a function, where they are written. */
      readonly signature?: string;
      /** As written after DROP: `TABLE`, `OPERATOR CLASS`. */
      readonly what: string;
    }
  | { readonly kind: "dropDatabase"; readonly name: string }
  | { readonly kind: "renameColumn"; readonly table: Name; readonly from: string; readonly to: string }
  | { readonly kind: "renameConstraint"; readonly table: Name; readonly from: string; readonly to: string }
  | { readonly kind: "rename"; readonly object: ObjectKind; readonly from: Name; readonly to: string }
  | { readonly kind: "setSchema"; readonly object: ObjectKind; readonly from: Name; readonly schema: string }
  | { readonly kind: "createEnum"; readonly type: Name; readonly values: readonly string[] }
  | { readonly kind: "addEnumValue"; readonly type: Name; readonly value: string }
  | { readonly kind: "renameEnumValue"; readonly type: Name; readonly from: string; readonly to: string }
  | { readonly kind: "createDomain"; readonly type: Name; readonly base?: ColumnType; readonly constrained: boolean }
  | { readonly kind: "alterDomain"; readonly type: Name; readonly how: DomainChange }
  | { readonly kind: "createType"; readonly type: Name }
  | { readonly kind: "alterCompositeType"; readonly type: Name; readonly cascade: boolean; readonly how: string }
  | { readonly kind: "createSchema"; readonly name: string }
  | { readonly kind: "createSequence"; readonly name: Name }
  | {
      readonly kind: "createFunction";
      readonly name: Name;
      /** Types of its arguments. */
      readonly signature: string;
      readonly volatile: boolean;
      /** SECURITY DEFINER. */
      readonly definer: boolean;
      readonly body: FunctionBody;
      /** Equal where the function is defined the same. */
      readonly definition: string;
    }
  | { readonly kind: "alterFunction"; readonly name: Name; readonly how: string; readonly nowVolatile: boolean }
  | { readonly kind: "createTrigger"; readonly table: Name; readonly trigger: TriggerSpec }
  | { readonly kind: "grant"; readonly names: readonly Name[]; readonly schemas: readonly string[] }
  /** What a query means, or whether it can be read, may be another matter afterwards. */
  | { readonly kind: "meaning"; readonly how: string }
  /** Tables are published, or no more; `all`: whatever there is and will be. */
  | { readonly kind: "publication"; readonly how: string; readonly adds: readonly Name[]; readonly all: boolean }
  | { readonly kind: "truncate"; readonly table: Name; readonly cascade: boolean }
  | {
      readonly kind: "write";
      readonly verb: WriteVerb;
      readonly table: Name;
      readonly filtered: boolean;
      /** Where the condition is only that these are not null: the columns. */
      readonly unlessNull?: readonly string[];
      /** Columns that UPDATE sets. */
      readonly columns: readonly string[];
    }
  | { readonly kind: "insert"; readonly table: Name }
  /** A query reads a table, as a whole or in part. */
  | { readonly kind: "readRows"; readonly table: Name }
  /** `how`: as it is written. */
  | { readonly kind: "restartSequence"; readonly sequence: Name; readonly how: string }
  /** `attributes`: what stands after a dot, which may be a function of the row. */
  | { readonly kind: "callsFunctions"; readonly functions: readonly string[]; readonly attributes: readonly string[] }
  | { readonly kind: "reindex"; readonly name: Name; readonly what: string; readonly concurrently: boolean }
  | { readonly kind: "refreshView"; readonly view: Name; readonly concurrently: boolean }
  /** `mode`: PostgreSQL's number of it, 1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE). */
  | { readonly kind: "lockTable"; readonly table: Name; readonly mode: number }
  /** SELECT … FOR UPDATE and its kind. */
  | { readonly kind: "lockRows"; readonly table: Name }
  /** Holds what the migration has locked for as long as it takes, or locks beyond its end. */
  | { readonly kind: "waits"; readonly how: string }
  | { readonly kind: "transaction"; readonly what: string }
  | { readonly kind: "searchPath"; readonly schemas: readonly string[]; readonly local: boolean }
  | { readonly kind: "timeZone"; readonly zone: string }
  /** Changes nothing that a rule is about. */
  | { readonly kind: "harmless" }
  /** Cannot be seen into; `inner`: what could be read in it. */
  | {
      readonly kind: "opaque";
      readonly what: string;
      readonly inner: readonly Change[];
      readonly hints: readonly OpaqueHint[];
    };

/** Something with an owner that is no table. */
export interface OwnedObject {
  readonly object: ObjectKind;
  readonly name: Name;
}

export type DomainChange = "check" | "notNull" | "validate" | "dropConstraint" | "other";

/** What the text of something opaque mentions. */
export type OpaqueHint = "drop" | "rewrite";

export type ChangeKind = Change["kind"];
/** The changes of a kind; several kinds may share one description. */
export type ChangeOf<K extends ChangeKind> = Narrowed<Change, K>;
type Narrowed<C extends Change, K extends ChangeKind> = C extends Change
  ? [Extract<C["kind"], K>] extends [never]
    ? never
    : C & { readonly kind: Extract<C["kind"], K> }
  : never;

/** What to do about each kind of change; a kind that is left out is passed over. */
export type Handlers<Arguments extends readonly unknown[]> = {
  readonly [K in ChangeKind]?: (change: ChangeOf<K>, ...rest: Arguments) => void;
};

/** Calls the handler for the change's kind, if there is one. */
export function handle<Arguments extends readonly unknown[]>(
  handlers: Handlers<Arguments>,
  change: Change,
  ...rest: Arguments
): void {
  // Each handler takes the kind under which it is kept, which the compiler cannot follow through the look-up.
  const handler = handlers[change.kind] as ((change: Change, ...rest: Arguments) => void) | undefined;
  handler?.(change, ...rest);
}
