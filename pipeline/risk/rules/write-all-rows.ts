import { type Name, show } from "../names.js";
import { defineRule } from "../rule.js";
import type { RuleContext } from "../ruleContext.js";

export const writeAllRows = defineRule({
  id: "write-all-rows",
  title: "UPDATE or DELETE without WHERE",
  tier: "dangerous",
  effects: ["loss", "lock", "irreversible"],
  reason: "Every row is changed or gone, and stays locked until the migration ends; the values before are not kept.",
  safer:
    "Name the rows that are meant; write in batches outside the migration; keep the old values in a column or table until the new ones are proved.",
  versions: "all",
  source: "RISKS 35",
  boundary:
    "An UPDATE that sets only columns which this migration adds loses nothing: it is a backfill, and risky. WHERE true counts as none, and so does a column that cannot be null IS NOT NULL.",
  example: `UPDATE "User" SET "role" = 'member';`,
  on: ["write"],
  match({ verb, table, filtered, unlessNull, columns }, context) {
    const all = !filtered || holdsAlways(context, table, unlessNull);
    if (!all || context.isEmpty(table)) return undefined;
    const fresh = columns.length > 0 && columns.every((name) => context.isNew(context.column(table, name)));
    if (verb === "UPDATE" && fresh) return undefined;
    const how = filtered ? "with a WHERE that holds for each" : "without WHERE";
    return { message: `${verb} ${how} ${verb === "DELETE" ? "takes" : "changes"} every row of ${show(table)}.` };
  },
});

/** `WHERE id IS NOT NULL` of a column that never is. */
export function holdsAlways(context: RuleContext, table: Name, unlessNull: readonly string[] | undefined): boolean {
  return unlessNull !== undefined && unlessNull.every((name) => context.column(table, name)?.notNull === true);
}
