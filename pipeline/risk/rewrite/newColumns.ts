import { scanSync } from "libpg-query";
import type { ChangeOf } from "../change.js";
import { show } from "../names.js";
import { writeType } from "./columns.js";
import { quote, requiring } from "./constraints.js";
import { type Staged, declaring, staged } from "./piece.js";

/** Why a new column cannot be made in steps; `undefined`: it can. */
export function newColumnObstacle(sql: string, { column, constraints }: ChangeOf<"addColumn">): string | undefined {
  if (column.serial || column.identity) return "its numbers come from a sequence";
  if (column.generated !== undefined) return "it is a generated column";
  if (constraints.length > 0) return "a constraint is written with it";
  return column.type === undefined || /\bCOLLATE\b/i.test(sql) ? "its type cannot be written apart" : undefined;
}

/** A volatile default: the column without it, which rewrites nothing, the default for new rows, and then the rows that are there. */
export function volatileDefault(sql: string, { table, column }: ChangeOf<"addColumn">): Staged | undefined {
  const value = defaultText(sql);
  if (value === undefined) return undefined;
  const [into, name] = [show(table), quote(column.name)];
  return staged({
    expand: {
      sql: `${addPlain(into, column)}\nALTER TABLE ${into} ALTER COLUMN ${name} SET DEFAULT ${value};`,
      down: `ALTER TABLE ${into} DROP COLUMN ${name};`,
    },
    backfill: {
      fills: { table, column: column.name },
      sql: `${declaring("changes", into, name)}\nUPDATE ${into} SET ${name} = DEFAULT WHERE ${name} IS NULL;`,
      down: goesWithColumn,
    },
    ...(column.notNull ? requiring(into, column.name, table.name) : {}),
  });
}

/** Required, without a default: nullable first, until the application writes it and somebody has said what the old rows get. */
export function requiredColumn({ table, column }: ChangeOf<"addColumn">): Staged {
  const [into, name] = [show(table), quote(column.name)];
  return staged(
    {
      expand: { sql: addPlain(into, column), down: `ALTER TABLE ${into} DROP COLUMN ${name};` },
      backfill: {
        fills: { table, column: column.name },
        sql:
          `-- What do the rows get that are there by now without a value? Only you know: write it here. Until then, the step that\n` +
          `-- proves the values fails on such a row, and changes nothing.\n` +
          `${declaring("changes", into, name)}\n` +
          `-- UPDATE ${into} SET ${name} = … WHERE ${name} IS NULL;`,
        down: goesWithColumn,
      },
      ...requiring(into, column.name, table.name),
    },
    // The application that runs now inserts rows without it.
    { holdFrom: "backfill" },
  );
}

const goesWithColumn = "-- The values go with the column, by the migration that made it.";

function addPlain(into: string, column: ChangeOf<"addColumn">["column"]): string {
  return `ALTER TABLE ${into} ADD COLUMN ${quote(column.name)} ${column.type === undefined ? "" : writeType(column.type)};`;
}

/** What ends the expression of a DEFAULT where it stands outside brackets. */
const afterDefault = new Set(["NOT", "NULL", "CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", ";", ","]);

/** The expression after DEFAULT as it is written. */
function defaultText(sql: string): string | undefined {
  const { tokens } = scanSync(sql);
  const start = tokens.findIndex(({ text }) => text.toUpperCase() === "DEFAULT");
  if (start === -1) return undefined;
  let depth = 0;
  const end = tokens.findIndex(({ text }, at) => {
    if (at <= start) return false;
    if (text === "(" || text === "[") depth += 1;
    if (text === ")" || text === "]") depth -= 1;
    return depth === 0 && afterDefault.has(text.toUpperCase());
  });
  // The scanner counts bytes of UTF-8.
  const bytes = Buffer.from(sql, "utf8");
  const text = bytes
    .subarray(tokens[start]?.end, end === -1 ? undefined : tokens[end]?.start)
    .toString("utf8")
    .trim();
  return text === "" ? undefined : text;
}
