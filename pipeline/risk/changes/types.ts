import type { Node } from "libpg-query";
import type { Change } from "../change.js";
import { columnType } from "../columnType.js";
import { dotted, nameOf, strings } from "../names.js";

/** Enums, domains and composite types. */
export function typeChange(node: Node): Change[] | undefined {
  if ("CreateEnumStmt" in node) {
    return [
      {
        kind: "createEnum",
        type: dotted(strings(node.CreateEnumStmt.typeName)),
        values: strings(node.CreateEnumStmt.vals),
      },
    ];
  }
  if ("AlterEnumStmt" in node) {
    const { typeName, oldVal, newVal } = node.AlterEnumStmt;
    const type = dotted(strings(typeName));
    if (newVal === undefined) return undefined;
    return [
      oldVal === undefined
        ? { kind: "addEnumValue", type, value: newVal }
        : { kind: "renameEnumValue", type, from: oldVal, to: newVal },
    ];
  }
  if ("CreateDomainStmt" in node) {
    const { domainname, typeName, constraints } = node.CreateDomainStmt;
    const base = columnType(typeName);
    const constrained = (constraints ?? []).some(
      (item) =>
        "Constraint" in item &&
        (item.Constraint.contype === "CONSTR_CHECK" || item.Constraint.contype === "CONSTR_NOTNULL"),
    );
    return [{ kind: "createDomain", type: dotted(strings(domainname)), constrained, ...(base ? { base } : {}) }];
  }
  if ("AlterDomainStmt" in node) return [alterDomain(node.AlterDomainStmt)];
  if ("CompositeTypeStmt" in node) return [{ kind: "createType", type: nameOf(node.CompositeTypeStmt.typevar) }];
  if ("CreateRangeStmt" in node) return [{ kind: "createType", type: dotted(strings(node.CreateRangeStmt.typeName)) }];
  return undefined;
}

function alterDomain(statement: Extract<Node, { AlterDomainStmt: unknown }>["AlterDomainStmt"]): Change {
  const type = dotted(strings(statement.typeName));
  const subtype = statement.subtype ?? "";
  if (subtype === "C") {
    const { def } = statement;
    const unchecked = def !== undefined && "Constraint" in def && def.Constraint.skip_validation === true;
    return { kind: "alterDomain", type, how: unchecked ? "other" : "check" };
  }
  return {
    kind: "alterDomain",
    type,
    how: subtype === "O" ? "notNull" : subtype === "V" ? "validate" : subtype === "X" ? "dropConstraint" : "other",
  };
}
