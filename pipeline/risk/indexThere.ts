import type { Name } from "./names.js";
import type { RuleContext } from "./ruleContext.js";

/** IF NOT EXISTS of an index that is known to be there does nothing. */
export function isThere(context: RuleContext, table: Name, index: string | undefined, ifNotExists: boolean): boolean {
  return ifNotExists && index !== undefined && context.knownTable(table)?.indexes.has(index) === true;
}
