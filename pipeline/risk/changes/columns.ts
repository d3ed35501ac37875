import type { ColumnDef, Constraint, Node } from "libpg-query";
import type { ColumnSpec, ConstraintKind, ConstraintSpec } from "../change.js";
import { columnType, isSerial } from "../columnType.js";
import { nameOf, strings } from "../names.js";
import { columnsIn } from "../walk.js";

function constraintsOf(nodes: readonly Node[] | undefined): Constraint[] {
  return (nodes ?? []).flatMap((node) => ("Constraint" in node ? [node.Constraint] : []));
}

export function columnSpec(definition: ColumnDef): ColumnSpec {
  const constraints = constraintsOf(definition.constraints);
  const of = (kind: Constraint["contype"]) => constraints.find(({ contype }) => contype === kind);
  const serial = isSerial(definition.typeName);
  const identity = of("CONSTR_IDENTITY") !== undefined;
  const type = columnType(definition.typeName);
  const defaultValue = of("CONSTR_DEFAULT")?.raw_expr;
  const generated = of("CONSTR_GENERATED");
  return {
    name: definition.colname ?? "",
    ...(type ? { type } : {}),
    notNull: serial || identity || of("CONSTR_NOTNULL") !== undefined || of("CONSTR_PRIMARY") !== undefined,
    ...(defaultValue && !isNull(defaultValue) ? { defaultValue } : {}),
    ...(generated ? { generated: generated.generated_kind === "v" ? "virtual" : "stored" } : {}),
    identity,
    serial,
  };
}

function isNull(value: Node): boolean {
  if ("TypeCast" in value) return value.TypeCast.arg !== undefined && isNull(value.TypeCast.arg);
  return "A_Const" in value && value.A_Const.isnull === true;
}

/** Constraints written with a column, but for NOT NULL, DEFAULT and their kind. */
export function inlineConstraints(definition: ColumnDef): ConstraintSpec[] {
  return constraintsOf(definition.constraints).flatMap((constraint) => {
    const spec = constraintSpec(constraint, definition.colname);
    return spec === undefined || spec.kind === "notNull" ? [] : [spec];
  });
}

const kinds: Readonly<Partial<Record<NonNullable<Constraint["contype"]>, ConstraintKind>>> = {
  CONSTR_PRIMARY: "primary",
  CONSTR_UNIQUE: "unique",
  CONSTR_FOREIGN: "foreign",
  CONSTR_CHECK: "check",
  CONSTR_EXCLUSION: "exclude",
  CONSTR_NOTNULL: "notNull",
};

/** `undefined` for what the grammar calls a constraint and is none (DEFAULT, GENERATED, DEFERRABLE). */
export function constraintSpec(constraint: Constraint, column?: string): ConstraintSpec | undefined {
  const kind = constraint.contype === undefined ? undefined : kinds[constraint.contype];
  if (kind === undefined) return undefined;
  const own = column === undefined ? [] : [column];
  const keys = strings(kind === "foreign" ? constraint.fk_attrs : constraint.keys);
  return {
    kind,
    ...(constraint.conname === undefined ? {} : { name: constraint.conname }),
    columns: kind === "check" ? [...columnsIn(constraint.raw_expr)] : keys.length > 0 ? keys : own,
    notValid: constraint.skip_validation === true || notEnforced(constraint),
    ...(constraint.indexname === undefined ? {} : { usingIndex: constraint.indexname }),
    ...(constraint.pktable === undefined ? {} : { references: nameOf(constraint.pktable) }),
    ...(constraint.raw_expr === undefined ? {} : { expression: constraint.raw_expr }),
  };
}

/** NOT ENFORCED (18): neither checked nor validated. The field is left out where it is false. */
function notEnforced({ contype, is_enforced }: Constraint): boolean {
  return (contype === "CONSTR_CHECK" || contype === "CONSTR_FOREIGN") && is_enforced !== true;
}
