import type { AlterPublicationStmt, CreatePublicationStmt, CreateRoleStmt, GrantStmt, Node } from "libpg-query";
import type { Change } from "../change.js";
import { type Name, nameOf, objectName, strings } from "../names.js";
import { objectKind } from "./drop.js";
import { isOn } from "./options.js";

/** Who may see and change what, and what subscribers are sent. */
export function rightsChange(node: Node): Change[] | undefined {
  if ("GrantStmt" in node) return [grant(node.GrantStmt)];
  if ("GrantRoleStmt" in node) return [granted(node.GrantRoleStmt.is_grant)];
  if ("AlterDefaultPrivilegesStmt" in node) {
    const { action } = node.AlterDefaultPrivilegesStmt;
    return [action?.is_grant === true ? harmless : { kind: "rowSecurity", how: "ALTER DEFAULT PRIVILEGES … REVOKE" }];
  }
  if ("AlterOwnerStmt" in node) {
    const { objectType, object, relation } = node.AlterOwnerStmt;
    const name = relation === undefined ? objectName(object) : nameOf(relation);
    return [{ kind: "rowSecurity", of: { object: objectKind(objectType), name }, how: "OWNER TO" }];
  }
  if ("SecLabelStmt" in node) return [{ kind: "rowSecurity", how: "SECURITY LABEL" }];
  if ("CreateRoleStmt" in node) return [createRole(node.CreateRoleStmt)];
  if ("CreatePublicationStmt" in node) return [createPublication(node.CreatePublicationStmt)];
  if ("AlterPublicationStmt" in node) return [alterPublication(node.AlterPublicationStmt)];
  return undefined;
}

const harmless: Change = { kind: "harmless" };

function grant({ is_grant, targtype, objects }: GrantStmt): Change {
  if (is_grant !== true) return granted(false);
  const inSchemas = targtype === "ACL_TARGET_ALL_IN_SCHEMA";
  const schemas = inSchemas ? strings(objects) : [];
  const names = inSchemas ? [] : (objects ?? []).map(objectName);
  return { kind: "grant", names, schemas };
}

function granted(isGrant: boolean | undefined): Change {
  return isGrant === true ? harmless : { kind: "rowSecurity", how: "REVOKE" };
}

/** Rights before which those on tables do not count. */
const everything = ["superuser", "bypassrls", "isreplication", "createrole"];

function createRole({ options, role = "" }: CreateRoleStmt): Change {
  const given = everything.filter((name) => isOn(options, name));
  return given.length === 0
    ? harmless
    : { kind: "rowSecurity", how: `CREATE ROLE "${role}" with ${given.join(", ").toUpperCase()}` };
}

function published(objects: readonly Node[] | undefined): { tables: Name[]; schemas: boolean } {
  const specs = (objects ?? []).flatMap((node) => ("PublicationObjSpec" in node ? [node.PublicationObjSpec] : []));
  return {
    tables: specs.flatMap(({ pubtable }) => (pubtable?.relation === undefined ? [] : [nameOf(pubtable.relation)])),
    schemas: specs.some(({ pubtable }) => pubtable === undefined),
  };
}

function createPublication({ pubname = "", pubobjects, for_all_tables }: CreatePublicationStmt): Change {
  const { tables, schemas } = published(pubobjects);
  const all = for_all_tables === true || schemas;
  return { kind: "publication", how: `CREATE PUBLICATION "${pubname}"`, adds: tables, all };
}

function alterPublication({ pubname = "", pubobjects, for_all_tables, action }: AlterPublicationStmt): Change {
  const { tables, schemas } = published(pubobjects);
  const how = `ALTER PUBLICATION "${pubname}"`;
  const adds = action === "AP_AddObjects" && (tables.length > 0 || schemas);
  if (adds) return { kind: "publication", how, adds: tables, all: for_all_tables === true || schemas };
  // SET and DROP leave tables out that subscribers were sent; SET (publish = …) leaves out kinds of writes.
  return { kind: "publication", how: `${how} (subscribers are sent something else)`, adds: [], all: true };
}
