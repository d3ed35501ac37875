import type { AlterObjectSchemaStmt, ObjectType, RenameStmt } from "libpg-query";
import type { Change } from "../change.js";
import { nameOf, objectName } from "../names.js";
import { objectKind } from "./drop.js";

export function rename(statement: RenameStmt): Change {
  const to = statement.newname ?? "";
  const from = statement.subname ?? "";
  const kind = statement.renameType ?? "OBJECT_TABLE";
  if (kind === "OBJECT_COLUMN") return { kind: "renameColumn", table: nameOf(statement.relation), from, to };
  if (kind === "OBJECT_TABCONSTRAINT") return { kind: "renameConstraint", table: nameOf(statement.relation), from, to };
  if (kind === "OBJECT_ATTRIBUTE") {
    return {
      kind: "alterCompositeType",
      type: nameOf(statement.relation),
      cascade: false,
      how: "renames an attribute",
    };
  }
  if (kind === "OBJECT_SCHEMA") return { kind: "rename", object: "schema", from: { name: from }, to };
  if (unnamedByCode.has(kind)) return { kind: "harmless" };
  const named = statement.relation === undefined ? objectName(statement.object) : nameOf(statement.relation);
  return { kind: "rename", object: objectKind(kind), from: named, to };
}

/** No statement of an application names them. */
const unnamedByCode: ReadonlySet<ObjectType> = new Set<ObjectType>([
  "OBJECT_DOMCONSTRAINT",
  "OBJECT_TRIGGER",
  "OBJECT_POLICY",
  "OBJECT_RULE",
]);

export function setSchema(statement: AlterObjectSchemaStmt): Change {
  const from = statement.relation === undefined ? objectName(statement.object) : nameOf(statement.relation);
  return { kind: "setSchema", object: objectKind(statement.objectType), from, schema: statement.newschema ?? "" };
}
