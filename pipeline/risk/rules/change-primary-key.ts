import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const changePrimaryKey = defineRule({
  id: "change-primary-key",
  title: "Primary key is changed",
  tier: "dangerous",
  effects: ["scan", "lock", "fails", "breaks", "irreversible"],
  reason:
    "The rows' identity changes: what refers to them (foreign keys, caches, links, other systems) must change with them, the new index is built under an ACCESS EXCLUSIVE lock, and old and new application cannot both run.",
  safer:
    "Add the new key as a column beside, fill it, make it unique CONCURRENTLY, move references over release by release, and swap the key (PRIMARY KEY USING INDEX) last.",
  versions: "all",
  source: "RISKS 22; seed: Cambiar claves primarias",
  boundary: "A primary key where there was none is another rule (add-primary-key).",
  example: `ALTER TABLE "User" DROP CONSTRAINT "User_pkey", ADD CONSTRAINT "User_pkey" PRIMARY KEY ("tenant", "id");`,
  on: ["dropConstraint", "dropColumn"],
  match(change, context) {
    const { table } = change;
    const known = context.knownTable(table);
    const constraints = [...(known?.constraints.values() ?? [])];
    if (change.kind === "dropColumn") {
      const key = constraints.find(({ kind, columns }) => kind === "primary" && columns.includes(change.column));
      if (key === undefined || context.isNew(key)) return undefined;
      return {
        message: `Column "${change.column}" is part of the primary key of ${show(table)}, which is dropped with it.`,
      };
    }
    const constraint = known?.constraints.get(change.constraint);
    if (context.isNew(constraint)) return undefined;
    // Prisma and PostgreSQL name it so; the history may not show it being made.
    const primary =
      constraint === undefined
        ? /_pkey$/.test(change.constraint) && !(change.ifExists && known?.complete === true)
        : constraint.kind === "primary";
    return primary ? { message: `The primary key "${change.constraint}" of ${show(table)} is dropped.` } : undefined;
  },
});
