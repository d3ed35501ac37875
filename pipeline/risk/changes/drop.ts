import type { DropStmt, Node, ObjectType } from "libpg-query";
import type { Change, ObjectKind } from "../change.js";
import { type Name, dotted, objectName, strings } from "../names.js";
import { signatureOf } from "./functions.js";

const kinds: Readonly<Partial<Record<ObjectType, ObjectKind>>> = {
  OBJECT_TABLE: "table",
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "materialized view",
  OBJECT_FOREIGN_TABLE: "foreign table",
  OBJECT_INDEX: "index",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "type",
  OBJECT_SCHEMA: "schema",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "function",
  OBJECT_ROUTINE: "function",
  OBJECT_AGGREGATE: "function",
  OBJECT_TRIGGER: "trigger",
  OBJECT_POLICY: "policy",
  OBJECT_RULE: "rule",
  OBJECT_EXTENSION: "extension",
};

export function objectKind(type: ObjectType | undefined): ObjectKind {
  return (type === undefined ? undefined : kinds[type]) ?? "other";
}

/** One for each object that the statement names. */
export function dropObjects(statement: DropStmt): Change[] {
  const object = objectKind(statement.removeType);
  const what = (statement.removeType ?? "OBJECT_?")
    .replace("OBJECT_", "")
    .replaceAll("_", " ")
    .replace("MATVIEW", "MATERIALIZED VIEW");
  return (statement.objects ?? []).map((node) => ({
    kind: "drop",
    object,
    ...namesOf(object, node),
    ifExists: statement.missing_ok === true,
    cascade: statement.behavior === "DROP_CASCADE",
    concurrently: statement.concurrent === true,
    what,
  }));
}

/** A trigger or a policy is named after its table: `schema.table.trigger`. */
function namesOf(object: ObjectKind, node: Node): { name: Name; table?: Name; signature?: string } {
  if ((object === "trigger" || object === "policy" || object === "rule") && "List" in node) {
    const parts = strings(node.List.items);
    return { name: { name: parts.at(-1) ?? "" }, table: dotted(parts.slice(0, -1)) };
  }
  if ("ObjectWithArgs" in node && node.ObjectWithArgs.args_unspecified !== true) {
    const types = (node.ObjectWithArgs.objargs ?? []).map((type) => ("TypeName" in type ? type.TypeName : undefined));
    return { name: objectName(node), signature: signatureOf(types) };
  }
  return { name: objectName(node) };
}
