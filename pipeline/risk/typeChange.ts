import type { Node } from "libpg-query";
import { type CastStep, type Outcome, castStep } from "./castStep.js";
import type { ChangeOf } from "./change.js";
import { type ColumnType, columnType, showType } from "./columnType.js";
import { strings } from "./names.js";
import type { Column, SchemaState, UserType } from "./schemaState.js";

/** What ALTER COLUMN TYPE does. */
export interface TypeChange {
  /** `unknown`: the old type is not known. */
  readonly outcome: Outcome | "unknown";
  readonly rewrites: boolean;
  readonly why: string;
  /** Values of an enum that the new one lacks; `undefined`: not an enum for an enum. */
  readonly enumSwap?: { readonly removed: readonly string[] | undefined };
}

const severity: readonly Outcome[] = ["same", "converts", "may fail", "loses"];

/** Judges a change by the column's type as the history tells it, following the casts of its USING. */
export function judgeTypeChange(
  state: SchemaState,
  change: ChangeOf<"alterType">,
  column: Column | undefined,
): TypeChange {
  const from = column?.type;
  const casts = change.using === undefined ? [] : castsOf(change.using, change.column);
  const swap = enumSwap(state, from, change, casts);
  if (swap !== undefined) return swap;
  if (casts === undefined) return byExpression(change.using, change.column);
  const to = resolve(state, change.type);
  if (from === undefined) {
    return { outcome: "unknown", rewrites: true, why: "the type it has now is not known from the history" };
  }
  const utc = state.timeZone === undefined ? undefined : /^(utc|etc\/utc|gmt|0)$/i.test(state.timeZone);
  const steps: CastStep[] = [];
  let now = resolve(state, from);
  const targets = [
    ...casts.map((type) => ({ type: resolve(state, type), explicit: true })),
    { type: to, explicit: false },
  ];
  for (const { type, explicit } of targets) {
    steps.push(stepBetween(now, type, { explicit, utc }));
    now = type;
  }
  return worst(steps);
}

/** A type with what the history knows of it; a domain is its base, with a check or without. */
interface Resolved {
  /** As it is written: a domain by its own name. */
  readonly written: string;
  readonly type: ColumnType;
  readonly user: UserType | undefined;
  readonly constrained: boolean;
}

function resolve(state: SchemaState, type: ColumnType): Resolved {
  const user = state.type(type.schema === undefined ? { name: type.name } : { schema: type.schema, name: type.name });
  if (user?.kind === "domain" && user.base !== undefined) {
    const base = resolve(state, user.base);
    return { ...base, written: JSON.stringify(type), constrained: user.constrained || base.constrained };
  }
  return { written: JSON.stringify(type), type, user, constrained: false };
}

function stepBetween(from: Resolved, to: Resolved, options: { explicit: boolean; utc: boolean | undefined }): CastStep {
  if (from.written === to.written) return { outcome: "same", rewrites: false, why: "" };
  const step =
    (from.user ?? to.user) && from.type.name !== to.type.name ? userStep(to) : castStep(from.type, to.type, options);
  if (!to.constrained) return step;
  const outcome = severity.indexOf(step.outcome) > severity.indexOf("may fail") ? step.outcome : "may fail";
  return { outcome, rewrites: true, why: step.why || "every value is checked against the domain" };
}

/** From and to an enum or composite type, which goes through its text. */
function userStep(to: Resolved): CastStep {
  const text = ["text", "varchar", "citext", "bpchar"];
  if (to.user === undefined && text.includes(to.type.name) && to.type.modifiers.length === 0) {
    return { outcome: "converts", rewrites: true, why: "" };
  }
  return { outcome: "may fail", rewrites: true, why: `it fails on a value that is no ${showType(to.type)}` };
}

function worst(steps: readonly CastStep[]): TypeChange {
  const outcome = steps.reduce<Outcome>(
    (found, step) => (severity.indexOf(step.outcome) > severity.indexOf(found) ? step.outcome : found),
    "same",
  );
  const why = steps.find((step) => step.outcome === outcome)?.why ?? "";
  return { outcome, rewrites: steps.some(({ rewrites }) => rewrites), why };
}

/** The types that USING casts the column to, innermost first; `undefined` where it is another expression. */
function castsOf(expression: Node, column: string): ColumnType[] | undefined {
  if ("ColumnRef" in expression) return strings(expression.ColumnRef.fields).at(-1) === column ? [] : undefined;
  if (!("TypeCast" in expression) || expression.TypeCast.arg === undefined) return undefined;
  const inner = castsOf(expression.TypeCast.arg, column);
  const type = columnType(expression.TypeCast.typeName);
  return inner === undefined || type === undefined ? undefined : [...inner, type];
}

/** What an enum lost when a column goes from it to another by its text, as Prisma writes it. */
function enumSwap(
  state: SchemaState,
  from: ColumnType | undefined,
  change: ChangeOf<"alterType">,
  casts: readonly ColumnType[] | undefined,
): TypeChange | undefined {
  const target = resolve(state, change.type).user;
  const old = from === undefined ? undefined : resolve(state, from).user;
  const throughText = casts?.length === 2 && casts[0]?.name === "text" && casts[1]?.name === change.type.name;
  const prisma = throughText && from === undefined && target?.kind !== "domain" && /_new$/.test(change.type.name);
  if (!(throughText && old?.kind === "enum") && !prisma) return undefined;
  const known = old?.kind === "enum" && target?.kind === "enum";
  const removed = known ? [...old.values].filter((value) => !target.values.has(value)) : undefined;
  const why =
    removed === undefined
      ? "it fails on a row that holds a value which the new enum lacks"
      : removed.length > 0
        ? `it fails on a row that holds ${removed.map((value) => `'${value}'`).join(", ")}`
        : "";
  return { outcome: removed?.length === 0 ? "converts" : "may fail", rewrites: true, why, enumSwap: { removed } };
}

/** An expression keeps the values only where it can be seen to: the column put into an array or into JSON. */
function byExpression(using: Node | undefined, column: string): TypeChange {
  if (using !== undefined && "A_ArrayExpr" in using) {
    const [element, ...more] = using.A_ArrayExpr.elements ?? [];
    if (element !== undefined && more.length === 0 && castsOf(element, column)?.length === 0) {
      return { outcome: "converts", rewrites: true, why: "each value becomes an array of one" };
    }
  }
  if (using !== undefined && "FuncCall" in using) {
    const name = strings(using.FuncCall.funcname).at(-1) ?? "";
    const [argument] = using.FuncCall.args ?? [];
    const plain = argument !== undefined && castsOf(argument, column)?.length === 0;
    if (plain && (name === "to_jsonb" || name === "to_json")) return { outcome: "converts", rewrites: true, why: "" };
  }
  return { outcome: "loses", rewrites: true, why: "USING computes new values, and the old ones are gone" };
}
