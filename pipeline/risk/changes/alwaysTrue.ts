import type { Node } from "libpg-query";
import { columnsIn, notNullColumns, walk } from "../walk.js";

/** Conditions that hold for every row, as they are written to please a tool: `true`, `1 = 1`, `id = id`, `1 = 1 OR …`. */
export function alwaysTrue(condition: Node): boolean {
  const known = constant(condition);
  // What no column is named in holds for every row or for none: `1 < 2`, `EXISTS (SELECT 1)`.
  return known ?? (columnsIn(condition).size === 0 && !namesRow(condition));
}

/** A parameter of PL/pgSQL stands for a value that is not known here. */
function namesRow(condition: Node): boolean {
  let found = false;
  walk([condition], (kind) => {
    if (kind === "ParamRef" || kind === "CurrentOfExpr") found = true;
  });
  return found;
}

/** The columns of a condition that only says that they are not null. */
export function onlyNotNull(condition: Node): readonly string[] | undefined {
  if ("BoolExpr" in condition && condition.BoolExpr.boolop === "AND_EXPR") {
    const parts = (condition.BoolExpr.args ?? []).map(onlyNotNull);
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  }
  const columns = notNullColumns(condition);
  return columns.length > 0 ? columns : undefined;
}

/** `undefined`: depends on the row, or cannot be told. */
function constant(condition: Node): boolean | undefined {
  if ("A_Const" in condition) {
    if (condition.A_Const.boolval === undefined) return undefined;
    // The field is left out where it is false.
    return condition.A_Const.boolval.boolval === true;
  }
  if ("TypeCast" in condition) return constantText(condition.TypeCast.arg);
  if ("BoolExpr" in condition) {
    const parts = (condition.BoolExpr.args ?? []).map(constant);
    const { boolop } = condition.BoolExpr;
    if (boolop === "NOT_EXPR") return parts[0] === undefined ? undefined : !parts[0];
    const decides = boolop === "OR_EXPR";
    return parts.includes(decides) ? decides : parts.every((part) => part === !decides) ? !decides : undefined;
  }
  if ("A_Expr" in condition && condition.A_Expr.kind === "AEXPR_OP") {
    const { lexpr, rexpr, name } = condition.A_Expr;
    const equal = (name ?? []).some((part) => "String" in part && part.String.sval === "=");
    return equal && same(lexpr, rexpr) ? true : undefined;
  }
  return undefined;
}

/** `'t'::bool`, as older dumps write it. */
function constantText(value: Node | undefined): boolean | undefined {
  if (value === undefined || !("A_Const" in value)) return undefined;
  const text = value.A_Const.sval?.sval;
  return text === undefined ? constant(value) : /^(t|true|on|yes|1)$/i.test(text) ? true : undefined;
}

/** The same constant, or the same column, on both sides. */
function same(left: Node | undefined, right: Node | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  if (!("A_Const" in left) && !("ColumnRef" in left)) return false;
  const text = (node: Node) => JSON.stringify(node, (key, value: unknown) => (key === "location" ? undefined : value));
  return text(left) === text(right);
}
