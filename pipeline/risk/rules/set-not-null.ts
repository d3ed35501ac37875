import type { Name } from "../names.js";
import type { RuleContext } from "../ruleContext.js";
import { show } from "../names.js";
import { defineRule } from "../rule.js";

export const setNotNull = defineRule({
  id: "set-not-null",
  title: "Column becomes required",
  tier: "risky",
  effects: ["scan", "lock", "fails", "breaks"],
  reason:
    "Every row is read under an ACCESS EXCLUSIVE lock, it fails on a row without a value, and an application that still writes none fails from then on.",
  safer:
    "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT in the next migration; then SET NOT NULL, which reads no row behind a validated check (12+); drop the check. From 18 on: ADD CONSTRAINT … NOT NULL column NOT VALID.",
  versions: "all; behind a validated check no scan from 12 on",
  source: "RISKS 9, 10; seed: Agregar constraints NOT NULL sin valor por defecto",
  boundary:
    "Safe behind a validated CHECK (column IS NOT NULL), where it is NOT NULL already, and on a table known to be empty.",
  example: `ALTER TABLE "User" ALTER COLUMN "phone" SET NOT NULL;`,
  on: ["setNotNull", "addConstraint"],
  match(change, context) {
    const { table } = change;
    if (change.kind === "addConstraint" && (change.constraint.kind !== "notNull" || change.constraint.notValid))
      return undefined;
    const name = change.kind === "addConstraint" ? (change.constraint.columns[0] ?? "") : change.column;
    const column = context.column(table, name);
    if (column?.notNull === true) return undefined;
    if (isProved(context, table, name)) return undefined;
    const scanned = `Making column "${name}" of ${show(table)} required reads every row while nobody else can, and fails on a null.`;
    // Made by this migration with a default: no null can be in it, and nobody writes it yet.
    if (column !== undefined && context.isNew(column) && column.hasDefault) {
      return { message: scanned, effects: ["scan", "lock"], ...context.bySize(table) };
    }
    return { message: scanned, tier: context.unlessEmpty(table, "risky") };
  },
});

/** PostgreSQL 12 and later skip the scan where a valid check implies it (`NotNullImpliedByRelConstraints`). */
function isProved(context: RuleContext, table: Name, column: string): boolean {
  const constraints = [...(context.knownTable(table)?.constraints.values() ?? [])];
  const proofs = constraints.filter(({ validated, notNull }) => validated && notNull.includes(column));
  if (context.postgres >= 12 && proofs.length > 0) return true;
  return constraints.some(
    ({ kind, validated, columns }) => kind === "notNull" && validated && columns.includes(column),
  );
}
