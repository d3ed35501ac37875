import { show } from "../names.js";
import { defineRule } from "../rule.js";
import { holdsAlways } from "./write-all-rows.js";

export const backfill = defineRule({
  id: "backfill",
  title: "Rows are changed in the migration",
  tier: "risky",
  effects: ["lock", "loss"],
  reason:
    "The rows stay locked until the migration ends, every old version of a row stays in the table until it is vacuumed, and what was overwritten or deleted is gone.",
  safer:
    "Write in batches, in a script of its own between two migrations; keep what is overwritten until it is proved.",
  versions: "all",
  source: "RISKS 36",
  boundary: "INSERT is safe; without WHERE it is dangerous (write-all-rows).",
  example: `UPDATE "User" SET "role" = 'member' WHERE "role" IS NULL;`,
  on: ["write"],
  match({ verb, table, filtered: written, unlessNull, columns }, context) {
    if (context.isEmpty(table)) return undefined;
    const fresh = columns.length > 0 && columns.every((name) => context.isNew(context.column(table, name)));
    const filtered = written && !holdsAlways(context, table, unlessNull);
    if (!filtered && !fresh) return undefined;
    return {
      message: `${verb} changes rows of ${show(table)}, which stay locked until the migration ends.`,
      ...(fresh ? { effects: ["lock"] } : {}),
    };
  },
});
