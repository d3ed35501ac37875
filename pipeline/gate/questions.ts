import type { Node } from "libpg-query";
import type { MigrationSource } from "../risk/types.js";
import type { Change, ColumnSpec } from "../risk/change.js";
import { changesOf } from "../risk/changes/index.js";
import { type Name, nameOf, strings } from "../risk/names.js";
import { statementsOf } from "../risk/statements.js";
import { type PerKind, perKind } from "./perKind.js";

/** What the rows of a database can tell about one statement of a migration. */
export interface Question {
  readonly migration: string;
  /** Line, from 1, on which the statement begins. */
  readonly line: number;
  readonly table: TableName;
  readonly ask: Ask;
}

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export type Ask =
  /** A column is dropped: does it hold values? */
  | { readonly kind: "values"; readonly column: string }
  /** A column becomes required: does it hold nulls? */
  | { readonly kind: "nulls"; readonly columns: readonly string[] }
  /** A required column without a default is added: is there a row? */
  | { readonly kind: "rows"; readonly column: string }
  /** Columns become unique: are there duplicates? */
  | { readonly kind: "duplicates"; readonly columns: readonly string[] }
  /** A foreign key is added: are there rows that point at nothing? */
  | {
      readonly kind: "orphans";
      readonly columns: readonly string[];
      readonly references: TableName;
      readonly referenced: readonly string[];
    }
  /** The type of a column changes: do views read it? */
  | { readonly kind: "views"; readonly column: string };

/** What pending migrations do to tables that are there, as far as the rows have a say in it. */
export interface Inquiry {
  readonly questions: readonly Question[];
  /** Tables named by the statements, by migration and line. */
  readonly mentions: readonly { readonly migration: string; readonly line: number; readonly table: TableName }[];
  /** Tables that the migrations themselves write to: that one is empty now says nothing of what a later statement meets. */
  readonly written: readonly TableName[];
  /** Something cannot be seen into, and may write to any table. */
  readonly opaque: boolean;
  /** Migrations that reach beyond this database: that it is empty does not answer for them. */
  readonly beyond: ReadonlySet<string>;
}

/**
 * What to ask the database before the migrations run. `loadParser` must have been awaited.
 *
 * @param defaultSchema the schema of names without one.
 */
export function inquire(migrations: readonly MigrationSource[], defaultSchema: string): Inquiry {
  const place = ({ schema = defaultSchema, name }: Name): TableName => ({ schema, name });
  const steps = migrations.flatMap(({ name, sql }) =>
    statementsOf(sql).flatMap((statement) => {
      const { line, node } = statement;
      return changesOf(statement).map((change) => ({ migration: name, line, node, change }));
    }),
  );
  const foreign = migrations.flatMap(({ name, sql }) =>
    statementsOf(sql).flatMap(({ line, node }) =>
      node === undefined ? [] : orphanQuestions(node, place).map((found) => ({ migration: name, line, ...found })),
    ),
  );
  return {
    questions: [
      ...steps.flatMap(({ migration, line, change }) =>
        (perKind(asked, change) ?? []).map(({ table, ask }) => ({ migration, line, table: place(table), ask })),
      ),
      ...foreign,
    ],
    mentions: steps.flatMap(({ migration, line, change }) => {
      const table = tableOf(change);
      return table === undefined ? [] : [{ migration, line, table: place(table) }];
    }),
    written: steps.flatMap(({ change }) =>
      change.kind === "insert" || change.kind === "write" ? [place(change.table)] : [],
    ),
    opaque: steps.some(({ change }) => change.kind === "opaque" || change.kind === "callsFunctions"),
    beyond: new Set(steps.flatMap(({ migration, change }) => (change.kind === "dropDatabase" ? [migration] : []))),
  };
}

function tableOf(change: Change): Name | undefined {
  if (change.kind === "drop") return change.object === "table" ? change.name : change.table;
  if (change.kind === "rename" || change.kind === "setSchema") {
    return change.object === "table" ? change.from : undefined;
  }
  return "table" in change ? change.table : undefined;
}

interface Asked {
  readonly table: Name;
  readonly ask: Ask;
}

const asked: PerKind<Asked[]> = {
  dropColumn: ({ table, column }) => [{ table, ask: { kind: "values", column } }],
  setNotNull: ({ table, column }) => [{ table, ask: { kind: "nulls", columns: [column] } }],
  alterType: ({ table, column }) => [{ table, ask: { kind: "views", column } }],
  addColumn: ({ table, column }) =>
    isRequiredWithoutValue(column) ? [{ table, ask: { kind: "rows", column: column.name } }] : [],
  addConstraint: ({ table, constraint: { kind, columns, usingIndex, notValid } }) => {
    if (usingIndex !== undefined || columns.length === 0 || notValid) return [];
    const nulls: Asked = { table, ask: { kind: "nulls", columns } };
    if (kind === "notNull") return [nulls];
    const unique: Asked = { table, ask: { kind: "duplicates", columns } };
    return kind === "unique" ? [unique] : kind === "primary" ? [unique, nulls] : [];
  },
  createIndex: ({ table, index: { unique, keys, partial } }) => {
    if (!unique || partial || keys === undefined || keys.length === 0) return [];
    return [{ table, ask: { kind: "duplicates", columns: keys } }];
  },
};

/** A column that every row must have a value for, and none gets one. */
export function isRequiredWithoutValue(column: ColumnSpec): boolean {
  const { notNull, defaultValue, identity, serial, generated } = column;
  return notNull && defaultValue === undefined && !identity && !serial && generated === undefined;
}

/** Foreign keys that are checked when they are added; with the columns that they point at, which a change does not tell. */
function orphanQuestions(node: Node, place: (name: Name) => TableName): { table: TableName; ask: Ask }[] {
  if (!("AlterTableStmt" in node)) return [];
  const { relation, cmds = [] } = node.AlterTableStmt;
  return cmds.flatMap((item) => {
    const definition = "AlterTableCmd" in item ? item.AlterTableCmd.def : undefined;
    if (definition === undefined || !("Constraint" in definition)) return [];
    const { contype, pktable, fk_attrs, pk_attrs, skip_validation } = definition.Constraint;
    const columns = strings(fk_attrs);
    const referenced = strings(pk_attrs);
    if (contype !== "CONSTR_FOREIGN" || skip_validation === true || columns.length !== referenced.length) return [];
    return [
      {
        table: place(nameOf(relation)),
        ask: { kind: "orphans", columns, references: place(nameOf(pktable)), referenced },
      } as const,
    ];
  });
}
