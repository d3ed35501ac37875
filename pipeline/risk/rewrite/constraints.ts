import type { ChangeOf, ConstraintSpec } from "../change.js";
import { type Name, show, showColumns } from "../names.js";
import { type Staged, staged } from "./piece.js";

/** SET NOT NULL behind a check that is validated before, which PostgreSQL 12 and later take for the proof. */
export function setNotNull(table: Name, column: string): Staged {
  return staged(requiring(show(table), column, table.name));
}

/** The stages that make a column required. */
export function requiring(table: string, column: string, label: string) {
  const check = quote(`${label}_${column}_not_null`);
  const add = `ALTER TABLE ${table} ADD CONSTRAINT ${check} CHECK (${quote(column)} IS NOT NULL) NOT VALID;`;
  const validate = `ALTER TABLE ${table} VALIDATE CONSTRAINT ${check};`;
  return {
    check: { sql: add, down: `ALTER TABLE ${table} DROP CONSTRAINT ${check};` },
    validate: {
      sql: validate,
      down: `ALTER TABLE ${table} DROP CONSTRAINT ${check};
${add}`,
    },
    require: {
      sql: `ALTER TABLE ${table} ALTER COLUMN ${quote(column)} SET NOT NULL;\nALTER TABLE ${table} DROP CONSTRAINT ${check};`,
      down: `ALTER TABLE ${table} ALTER COLUMN ${quote(column)} DROP NOT NULL;\n${add}\n${validate}`,
    },
  };
}

/** CHECK and FOREIGN KEY: NOT VALID, then VALIDATE. `undefined`: it has no name by which to validate it. */
export function addChecked(sql: string, { table, constraint }: ChangeOf<"addConstraint">): Staged | undefined {
  if (constraint.name === undefined) return undefined;
  const add = `${sql.replace(/;\s*$/, "")} NOT VALID;`;
  const drop = `ALTER TABLE ${show(table)} DROP CONSTRAINT ${quote(constraint.name)};`;
  return staged({
    expand: { sql: add, down: drop },
    validate: {
      sql: `ALTER TABLE ${show(table)} VALIDATE CONSTRAINT ${quote(constraint.name)};`,
      down: `${drop}\n${add}`,
    },
  });
}

/** UNIQUE: its index CONCURRENTLY, then USING INDEX. */
export function addUnique({ table, constraint }: ChangeOf<"addConstraint">): Staged | undefined {
  const { name } = constraint;
  if (name === undefined || constraint.columns.length === 0) return undefined;
  return staged({
    expand: {
      sql: `CREATE UNIQUE INDEX CONCURRENTLY ${quote(name)} ON ${show(table)} (${showColumns(constraint.columns)});`,
      down: `DROP INDEX CONCURRENTLY IF EXISTS ${indexName(table.schema, name)};`,
      alone: true,
    },
    require: {
      sql: `ALTER TABLE ${show(table)} ADD CONSTRAINT ${quote(name)} UNIQUE USING INDEX ${quote(name)};`,
      // The index goes with the constraint.
      down: `ALTER TABLE ${show(table)} DROP CONSTRAINT ${quote(name)};\nCREATE UNIQUE INDEX ${quote(name)} ON ${show(table)} (${showColumns(constraint.columns)});`,
    },
  });
}

/** CREATE INDEX, as it is written, CONCURRENTLY. */
export function createIndex(sql: string, { table, index }: ChangeOf<"createIndex">): Staged | undefined {
  const concurrently = sql.replace(/^(CREATE\s+(?:UNIQUE\s+)?INDEX)\b/i, "$1 CONCURRENTLY");
  if (concurrently === sql || index.name === undefined) return undefined;
  const down = `DROP INDEX CONCURRENTLY IF EXISTS ${indexName(table.schema, index.name)};`;
  return staged({ expand: { sql: concurrently, down, alone: true } });
}

export function isChecked({ kind, notValid }: ConstraintSpec): boolean {
  return (kind === "check" || kind === "foreign") && !notValid;
}

export function indexName(schema: string | undefined, name: string): string {
  return schema === undefined ? quote(name) : `${quote(schema)}.${quote(name)}`;
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
