import { type PerKind, perKind } from "../../pipeline/gate/perKind.js";
import { isRequiredWithoutValue } from "../../pipeline/gate/questions.js";
import type { Change, ChangeOf } from "../../pipeline/risk/change.js";
import { changesOf } from "../../pipeline/risk/changes/index.js";
import { show } from "../../pipeline/risk/names.js";
import { statementsOf } from "../../pipeline/risk/statements.js";

/** For a migration whose SQL is written by hand: so is its way back. */
export const emptyDownSql = `-- Undoes migration.sql: what to run to go back to the schema before it, in the reverse order of its statements.
--
-- Write it when you write migration.sql:
--   CREATE TABLE, ADD COLUMN, CREATE INDEX …   the DROP of each
--   DROP TABLE, DROP COLUMN                    its CREATE or ADD; the data comes from a backup only
--   UPDATE, DELETE                             nothing in SQL, unless the old values were kept: say so here
--   RENAME                                     the other way round
-- Leave only comments where there is no way back, and say why.
`;

/**
 * The text of a `down.sql`: Prisma's way back, under a head that says what it cannot bring back and what it takes away itself. One that
 * does not lead back is there as a comment, which is run by nobody: the way back is then a restore, until somebody mends it.
 * `loadParser` must have been awaited.
 *
 * @param forward the SQL of the migration
 * @param backward the SQL that leads from the schema after it to the one before it
 * @param problems why `backward` does not lead back as it is
 */
export function downSql(forward: string, backward: string, problems: readonly string[] = []): string {
  const gone = losses(forward, lostForward);
  // What the trial has found already is not said again.
  const taken = losses(backward, lostBackward).filter((loss) => !problems.includes(loss));
  const head = [
    "Undoes migration.sql: leads from the schema after it back to the one before it. Written by Prisma's comparison of both, which",
    "knows tables, columns, indexes, keys and enums: undo by hand what else the migration does (CHECK, triggers, functions, data).",
    ...list(
      "IS A COMMENT ONLY, as tried it does not lead back (until it is mended, the way back is to restore a backup):",
      problems,
    ),
    ...list("CANNOT BE RESTORED BY SQL ALONE; a backup from before the migration has it:", gone),
    ...list("IS LOST OR MAY FAIL when this runs, for what was written since:", taken),
  ];
  const body = backward.trim() === "" ? "-- Prisma sees no difference to undo." : backward.trim();
  return `${commented(head.join("\n"))}\n\n${problems.length === 0 ? body : commented(body)}\n`;
}

function commented(text: string): string {
  return text
    .split("\n")
    .map((line) => `-- ${line}`.trimEnd())
    .join("\n");
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ["", title, ...items.map((item) => `  - ${oneLine(item)}`)];
}

/** A name may hold anything; a line break would end the comment. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\f\v\u0085\u2028\u2029]+/g, " ");
}

function losses(sql: string, kinds: typeof lostForward): string[] {
  const all = statementsOf(sql).flatMap((statement) => changesOf(statement));
  return [...new Set(all.flatMap((change) => perKind(kinds, change, all) ?? []))];
}

/** A column that comes back required fails on a row, which an empty database does not show. */
export function failsOnRows({ table, column }: ChangeOf<"addColumn">): string[] {
  if (!isRequiredWithoutValue(column)) return [];
  return [
    `any row in ${show(table)} makes it fail, as "${column.name}" is required and has no default: add it without NOT NULL, fill it, then SET NOT NULL`,
  ];
}

const lostForward: PerKind<string[], [readonly Change[]]> = {
  drop: ({ object, name }) => (object === "table" ? [`the rows of table ${show(name)}`] : []),
  dropColumn: ({ table, column }) => [`the values of column "${column}" of ${show(table)}`],
  truncate: ({ table }) => [`the rows of table ${show(table)}`],
  alterType: ({ table, column, type }, all) =>
    isSwap(type.name, all)
      ? []
      : [`the values of column "${column}" of ${show(table)} as they were, where ${type.name} cannot hold them`],
  // Prisma changes an enum by making a new one, and swapping the names.
  createEnum: ({ type: { name } }, all) =>
    isSwap(name, all) ? [`which rows held a value that is taken out of enum "${plain(name)}"`] : [],
  write: ({ table, verb }) => [`the values in ${show(table)} before its ${verb}`],
  opaque: ({ what }) => [`whatever the migration does that cannot be seen: ${what}`],
};

const lostBackward: PerKind<string[], [readonly Change[]]> = {
  drop: ({ object, name }) => (object === "table" ? [`the rows of table ${show(name)} are lost`] : []),
  dropColumn: ({ table, column }) => [`the values of column "${column}" of ${show(table)} are lost`],
  alterType: ({ table, column, type }, all) =>
    isSwap(type.name, all) ? [] : [`the values of column "${column}" of ${show(table)} may not fit ${type.name}`],
  setNotNull: ({ table, column }) => [`a row of ${show(table)} without "${column}" makes it fail`],
  addColumn: failsOnRows,
  createIndex: ({ table, index }) => (index.unique ? [`duplicates in ${show(table)} make it fail`] : []),
  createEnum: ({ type: { name } }, all) =>
    isSwap(name, all)
      ? [`a row that holds a value of enum "${plain(name)}" that it did not have before makes it fail`]
      : [],
};

function isSwap(name: string, all: readonly Change[]): boolean {
  return all.some((change) => change.kind === "rename" && change.object === "type" && change.from.name === name);
}

function plain(name: string): string {
  return name.replace(/_new$/, "");
}
