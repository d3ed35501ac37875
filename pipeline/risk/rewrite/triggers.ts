import { type Name, show } from "../names.js";
import type { SchemaState, Trigger } from "../schemaState.js";
import { quote } from "./constraints.js";
import { type Piece, declaring } from "./piece.js";

/**
 * A backfill with the declarations of what the triggers of its table do meanwhile, as far as the history tells: the rehearsal takes no
 * change of a value that is not declared.
 */
export function declaringTriggers(state: SchemaState, piece: Piece): Piece {
  if (piece.fills === undefined) return piece;
  const { table, column } = piece.fills;
  const fired = state
    .triggersOf(table)
    .filter(({ events, columns }) => events.includes("update") && (columns.length === 0 || columns.includes(column)));
  const lines = [...new Set(fired.flatMap((trigger) => declarationsOf(state, table, column, trigger)))];
  return lines.length === 0 ? piece : { ...piece, sql: `${lines.join("\n")}\n${piece.sql}` };
}

function declarationsOf(state: SchemaState, table: Name, column: string, trigger: Trigger): string[] {
  const into = show(table);
  const known = trigger.function === undefined ? [] : state.functions.named(trigger.function.name);
  const told = known.length > 0 && known.every(({ body }) => body.told);
  if (!told) {
    const name = trigger.name.replaceAll(/\s+/g, " ");
    return [
      `-- Trigger "${name}" fires for each row, and it cannot be seen what it does: what it changes elsewhere, the rehearsal says.`,
      declaring("changes", into, "*"),
    ];
  }
  return known.flatMap(({ body }) => [
    ...body.sets.filter((name) => name !== column).map((name) => declaring("changes", into, quote(name))),
    ...body.updates.map((name) => declaring("changes", name, "*")),
    ...body.deletes.map((name) => `-- deletes: ${name}`),
  ]);
}
