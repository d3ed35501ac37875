import type { AlterSeqStmt, FuncCall, Node } from "libpg-query";
import type { Change } from "../change.js";
import { nameOf, strings } from "../names.js";

/** The bounds of a bigint: with these a sequence only gets wider. */
const widest: Readonly<Record<string, string>> = { maxvalue: "9223372036854775807", minvalue: "-9223372036854775808" };

/** ALTER SEQUENCE: of interest is what may make it give numbers that are taken, or none any more. */
export function alterSequence({ sequence, options }: AlterSeqStmt): Change {
  const how = narrowing(options);
  return how.length === 0
    ? { kind: "harmless" }
    : { kind: "restartSequence", sequence: nameOf(sequence), how: how.join(", ") };
}

/** The options that may make a sequence give numbers that are taken, or none any more. */
export function narrowing(options: readonly Node[] | undefined): string[] {
  return (options ?? []).flatMap((option) => {
    if (!("DefElem" in option)) return [];
    const { defname = "", arg } = option.DefElem;
    if (defname === "restart") return ["RESTART"];
    if (defname === "increment") return ["INCREMENT"];
    if (defname === "cycle") return isTrue(arg) ? ["CYCLE"] : [];
    if (defname === "as") return isBigint(arg) ? [] : ["AS a smaller type"];
    if (!(defname in widest) || arg === undefined || numberOf(arg) === widest[defname]) return [];
    return [defname.toUpperCase()];
  });
}

function isTrue(node: Node | undefined): boolean {
  return node !== undefined && "Boolean" in node && node.Boolean.boolval === true;
}

function isBigint(node: Node | undefined): boolean {
  return node !== undefined && "TypeName" in node && strings(node.TypeName.names).at(-1) === "int8";
}

function numberOf(node: Node): string | undefined {
  if ("Float" in node) return node.Float.fval;
  return "Integer" in node ? String(node.Integer.ival ?? 0) : undefined;
}

/** `setval('s', 1)`; a number that is read from the table is another matter. */
export function setsFixedValue(call: FuncCall): Change | undefined {
  const [sequence, value] = call.args ?? [];
  if (strings(call.funcname).at(-1) !== "setval" || value === undefined || !("A_Const" in value)) return undefined;
  const name = sequence !== undefined && "A_Const" in sequence ? (sequence.A_Const.sval?.sval ?? "") : "";
  return { kind: "restartSequence", sequence: { name: name.replaceAll('"', "") }, how: "setval to a fixed number" };
}
