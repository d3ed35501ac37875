import type { AlterFunctionStmt, CreateFunctionStmt, DefElem, Node, TypeName } from "libpg-query";
import type { ChangeOf } from "../change.js";
import { columnType } from "../columnType.js";
import { bodyOf, parsedBody } from "../functionBody.js";
import { dotted, strings } from "../names.js";
import { fingerprint } from "../walk.js";

function elements(nodes: readonly Node[] | undefined): DefElem[] {
  return (nodes ?? []).flatMap((node) => ("DefElem" in node ? [node.DefElem] : []));
}

export function createFunction(statement: CreateFunctionStmt): ChangeOf<"createFunction"> {
  const options = elements(statement.options);
  const text = (name: string) => textOf(options.find(({ defname }) => defname === name)?.arg);
  const volatility = text("volatility");
  const types = (statement.parameters ?? []).flatMap((node) => {
    if (!("FunctionParameter" in node)) return [];
    const { mode, argType } = node.FunctionParameter;
    return mode === "FUNC_PARAM_OUT" || mode === "FUNC_PARAM_TABLE" ? [] : [argType];
  });
  return {
    kind: "createFunction",
    name: dotted(strings(statement.funcname)),
    signature: signatureOf(types),
    volatile: volatility !== "immutable" && volatility !== "stable",
    definer: options.some(({ defname, arg }) => defname === "security" && isTrue(arg)),
    body: statement.sql_body
      ? parsedBody(statement.sql_body)
      : bodyOf(text("language")?.toLowerCase() ?? "sql", text("as") ?? ""),
    definition: fingerprint([statement.parameters, statement.returnType, statement.options, statement.sql_body]),
  };
}

function textOf(value: Node | undefined): string | undefined {
  if (value === undefined) return undefined;
  if ("String" in value) return value.String.sval ?? "";
  // AS of a C function names a file too, which `language` tells.
  return "List" in value ? strings(value.List.items)[0] : undefined;
}

function isTrue(value: Node | undefined): boolean {
  return value !== undefined && "Boolean" in value && value.Boolean.boolval === true;
}

/** The types of the arguments that a call gives. */
export function signatureOf(types: readonly (TypeName | undefined)[]): string {
  return types
    .map((type) => {
      const { name = "", array = false } = columnType(type) ?? {};
      return array ? `${name}[]` : name;
    })
    .join(",");
}

/** What changes neither the result of a call nor whose rights it has. */
const plans: ReadonlySet<string> = new Set(["cost", "rows", "parallel", "support", "leakproof"]);

/** ALTER FUNCTION; `undefined` where callers see nothing of it. */
export function alterFunction({ func, actions }: AlterFunctionStmt): ChangeOf<"alterFunction"> | undefined {
  const changed = elements(actions).filter(({ defname = "" }) => !plans.has(defname));
  if (changed.length === 0) return undefined;
  const volatility = textOf(changed.find(({ defname }) => defname === "volatility")?.arg);
  return {
    kind: "alterFunction",
    name: dotted(strings(func?.objname)),
    how: changed.map(({ defname = "" }) => defname.toUpperCase()).join(", "),
    nowVolatile: volatility === "volatile",
  };
}
