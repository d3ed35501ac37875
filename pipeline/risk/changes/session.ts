import type { Node, VariableSetStmt } from "libpg-query";
import type { Change } from "../change.js";
import { strings } from "../names.js";

/** SET: of interest are the schemas that unqualified names stand for, and the time zone of casts. */
export function setVariable(statement: VariableSetStmt): Change {
  const name = (statement.name ?? "").toLowerCase();
  const values = constants(statement.args);
  if (name === "search_path") {
    const schemas = statement.kind === "VAR_SET_VALUE" ? values.flatMap((value) => splitPath(value)) : [];
    return { kind: "searchPath", schemas, local: statement.is_local === true };
  }
  if (name === "timezone") return { kind: "timeZone", zone: values[0] ?? "" };
  // RESET ALL: the schemas that names stand for are the connection's again, too.
  if (statement.kind === "VAR_RESET_ALL") return { kind: "searchPath", schemas: [], local: false };
  if (name === "lock_timeout" && /^0\s*[a-z]*$/.test(values[0] ?? ""))
    return { kind: "waits", how: "SET lock_timeout = 0" };
  return triggersOff(name, values[0]) ?? { kind: "harmless" };
}

/** Triggers and foreign keys of every table are off under "replica". */
function triggersOff(name: string, value: string | undefined): Change | undefined {
  if (name !== "session_replication_role" || value === undefined || value.toLowerCase() === "origin") return undefined;
  const what = `SET session_replication_role = ${value} (triggers and foreign keys are off)`;
  return { kind: "opaque", what, inner: [], hints: [] };
}

function constants(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => {
    const value = "TypeCast" in node ? node.TypeCast.arg : node;
    if (value === undefined || !("A_Const" in value)) return [];
    const { sval, ival } = value.A_Const;
    return sval !== undefined ? [sval.sval ?? ""] : ival !== undefined ? [String(ival.ival ?? 0)] : [];
  });
}

function splitPath(value: string): string[] {
  return value
    .split(",")
    .map((part) => part.trim().replace(/^"(.*)"$/, "$1"))
    .filter((part) => part !== "");
}

/** `SELECT set_config('search_path', …, false)`, as pg_dump writes it, is a SET. */
export function configured(node: Node): Change | undefined {
  if (!("SelectStmt" in node)) return undefined;
  const [target, ...more] = node.SelectStmt.targetList ?? [];
  if (target === undefined || more.length > 0 || !("ResTarget" in target)) return undefined;
  const { val } = target.ResTarget;
  if (val === undefined || !("FuncCall" in val) || strings(val.FuncCall.funcname).at(-1) !== "set_config")
    return undefined;
  const [name = "", value] = constants(val.FuncCall.args?.slice(0, 2));
  // What is worked out as it runs may be any setting.
  if (value === undefined) return undefined;
  const setting = name.toLowerCase();
  if (setting === "timezone") return { kind: "timeZone", zone: value };
  if (setting === "search_path") return { kind: "searchPath", schemas: splitPath(value), local: false };
  return triggersOff(setting, value) ?? { kind: "harmless" };
}
