import type { Change } from "../change.js";
import { show } from "../names.js";
import { indexName, quote } from "./constraints.js";

/** What undoes a statement that is as it was written; a comment where SQL alone does not tell. */
export function undoOf(sql: string, change: Change): string {
  return simpleUndo(change) ?? `-- Undo by hand: ${sql.replaceAll("\n", " ")}`;
}

function simpleUndo(change: Change): string | undefined {
  if (change.kind === "createTable" && !change.ifNotExists) return `DROP TABLE ${show(change.table)};`;
  if (change.kind === "createEnum") return `DROP TYPE ${show(change.type)};`;
  if (change.kind === "addColumn" && !change.ifNotExists) {
    return `ALTER TABLE ${show(change.table)} DROP COLUMN ${quote(change.column.name)};`;
  }
  if (change.kind === "dropNotNull") {
    return `ALTER TABLE ${show(change.table)} ALTER COLUMN ${quote(change.column)} SET NOT NULL;`;
  }
  if (change.kind === "addConstraint") {
    const { name, usingIndex } = change.constraint;
    if (name === undefined || usingIndex !== undefined) return undefined;
    return `ALTER TABLE ${show(change.table)} DROP CONSTRAINT ${quote(name)};`;
  }
  if (change.kind !== "createIndex" || change.index.name === undefined || change.ifNotExists) return undefined;
  return `DROP INDEX ${indexName(change.table.schema, change.index.name)};`;
}
