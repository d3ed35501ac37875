import type { Node } from "libpg-query";
import { bareName, isBuiltIn, isVolatileBuiltIn } from "./functions.js";
import type { SchemaState } from "./schemaState.js";
import { functionsIn } from "./walk.js";

/** The first volatile function of a default; one that is not known counts as volatile, as PostgreSQL's own default does. */
export function volatileFunction(state: SchemaState, value: Node | undefined): string | undefined {
  return [...functionsIn(value)].find((name) => {
    const bare = bareName(name);
    const own = state.functions.named(bare);
    if (own.length > 0) return own.some(({ volatile }) => volatile);
    return isVolatileBuiltIn(bare) || !isBuiltIn(bare);
  });
}

/** A function whose body is not PostgreSQL's own: what it does for each row cannot be seen. */
export function isOutOfSight(name: string): boolean {
  return !isBuiltIn(bareName(name));
}

/** A constant text, with a cast or without: `'A'`, `'A'::"Role"`. */
export function constantText(value: Node | undefined): string | undefined {
  if (value === undefined) return undefined;
  if ("TypeCast" in value) return constantText(value.TypeCast.arg);
  return "A_Const" in value ? value.A_Const.sval?.sval : undefined;
}
