import type { AlterObjectSchemaStmt, RenameStmt } from "libpg-query";
import type { Change } from "../change.js";
import { nameOf, objectName } from "../names.js";
import { objectKind } from "./drop.js";

export function rename(statement: RenameStmt): Change {
  const to = statement.newname ?? "";
  const from = statement.subname ?? "";
  switch (statement.renameType) {
    case "OBJECT_COLUMN":
      return { kind: "renameColumn", table: nameOf(statement.relation), from, to };
    case "OBJECT_TABCONSTRAINT":
      return { kind: "renameConstraint", table: nameOf(statement.relation), from, to };
    case "OBJECT_ATTRIBUTE":
      return {
        kind: "alterCompositeType",
        type: nameOf(statement.relation),
        cascade: false,
        how: "renames an attribute",
      };
    case "OBJECT_SCHEMA":
      return { kind: "rename", object: "schema", from: { name: from }, to };
    case "OBJECT_DOMCONSTRAINT":
      return { kind: "harmless" };
    case "OBJECT_TRIGGER":
    case "OBJECT_POLICY":
    case "OBJECT_RULE":
      return { kind: "harmless" };
    default: {
      const named = statement.relation === undefined ? objectName(statement.object) : nameOf(statement.relation);
      return { kind: "rename", object: objectKind(statement.renameType), from: named, to };
    }
  }
}

export function setSchema(statement: AlterObjectSchemaStmt): Change {
  const from = statement.relation === undefined ? objectName(statement.object) : nameOf(statement.relation);
  return { kind: "setSchema", object: objectKind(statement.objectType), from, schema: statement.newschema ?? "" };
}
