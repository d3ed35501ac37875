import type { AlterTableCmd, AlterTableStmt, AlterTableType, ColumnDef, ObjectType, PartitionCmd } from "libpg-query";
import type { Change, ObjectKind } from "../change.js";
import { columnType } from "../columnType.js";
import { type Name, nameOf, strings } from "../names.js";
import { columnSpec, constraintSpec, inlineConstraints } from "./columns.js";
import { objectKind } from "./drop.js";
import { narrowing } from "./sequences.js";

/** What the clauses of ALTER TABLE (INDEX, VIEW, SEQUENCE, TYPE) do, in their order. */
export function alterTable(statement: AlterTableStmt): Change[] {
  const table = nameOf(statement.relation);
  const commands = (statement.cmds ?? []).flatMap((node) => ("AlterTableCmd" in node ? [node.AlterTableCmd] : []));
  const kind = statement.objtype ?? "OBJECT_TABLE";
  if (tableLike.has(kind)) return commands.map((command) => clause(table, command));
  if (kind === "OBJECT_TYPE") return commands.map((command) => attribute(table, command));
  if (kind === "OBJECT_VIEW" || kind === "OBJECT_SEQUENCE" || kind === "OBJECT_INDEX") {
    return commands.map((command) => ofAnother(objectKind(kind), table, command));
  }
  return commands.map(({ subtype }) => (onlySettings.has(subtype) ? harmless : opaque(`ALTER … ${subtype ?? ""}`)));
}

/** A clause about a view, a sequence or an index. */
function ofAnother(object: ObjectKind, name: Name, { subtype, def }: AlterTableCmd): Change {
  if (subtype === "AT_ChangeOwner") return { kind: "rowSecurity", of: { object, name }, how: "OWNER TO" };
  if (subtype === "AT_SetTableSpace") return { kind: "moveTable", table: name, how: "SET TABLESPACE" };
  const set = subtype === "AT_SetRelOptions" || subtype === "AT_ResetRelOptions" || subtype === "AT_ReplaceRelOptions";
  // security_invoker, security_barrier, check_option.
  if (object === "view" && set && def !== undefined)
    return { kind: "rowSecurity", of: { object, name }, how: "The options of a view are changed" };
  return onlySettings.has(subtype) ? harmless : opaque(`ALTER … ${subtype ?? ""}`);
}

const tableLike: ReadonlySet<ObjectType> = new Set<ObjectType>([
  "OBJECT_TABLE",
  "OBJECT_FOREIGN_TABLE",
  "OBJECT_MATVIEW",
]);

function attribute(type: Name, { subtype = "AT_AddColumn", behavior }: AlterTableCmd): Change {
  const how = attributeChange[subtype] ?? "changes an attribute";
  return { kind: "alterCompositeType", type, cascade: behavior === "DROP_CASCADE", how };
}

const harmless: Change = { kind: "harmless" };

function opaque(what: string): Change {
  return { kind: "opaque", what, inner: [], hints: [] };
}

const attributeChange: Readonly<Partial<Record<AlterTableType, string>>> = {
  AT_AddColumn: "adds an attribute",
  AT_DropColumn: "drops an attribute",
  AT_AlterColumnType: "changes the type of an attribute",
};

/** Takes its lock for an instant and touches no row. */
const onlySettings: ReadonlySet<AlterTableType | undefined> = new Set<AlterTableType | undefined>([
  "AT_SetStatistics",
  "AT_SetOptions",
  "AT_ResetOptions",
  "AT_SetStorage",
  "AT_SetCompression",
  "AT_ClusterOn",
  "AT_DropCluster",
  "AT_SetRelOptions",
  "AT_ResetRelOptions",
  "AT_ReplaceRelOptions",
  "AT_DropOids",
  "AT_GenericOptions",
  "AT_AlterColumnGenericOptions",
  "AT_AttachPartition",
  "AT_ColumnDefault",
]);

const triggerClauses: Readonly<Partial<Record<AlterTableType, string>>> = {
  AT_EnableTrig: "ENABLE TRIGGER",
  AT_EnableAlwaysTrig: "ENABLE ALWAYS TRIGGER",
  AT_EnableReplicaTrig: "ENABLE REPLICA TRIGGER",
  AT_DisableTrig: "DISABLE TRIGGER",
  AT_EnableTrigAll: "ENABLE TRIGGER ALL",
  AT_DisableTrigAll: "DISABLE TRIGGER ALL",
  AT_EnableTrigUser: "ENABLE TRIGGER USER",
  AT_DisableTrigUser: "DISABLE TRIGGER USER",
  AT_EnableRule: "ENABLE RULE",
  AT_EnableAlwaysRule: "ENABLE ALWAYS RULE",
  AT_EnableReplicaRule: "ENABLE REPLICA RULE",
  AT_DisableRule: "DISABLE RULE",
};

const securityClauses: Readonly<Partial<Record<AlterTableType, string>>> = {
  AT_EnableRowSecurity: "ENABLE ROW LEVEL SECURITY",
  AT_DisableRowSecurity: "DISABLE ROW LEVEL SECURITY",
  AT_ForceRowSecurity: "FORCE ROW LEVEL SECURITY",
  AT_NoForceRowSecurity: "NO FORCE ROW LEVEL SECURITY",
  AT_ReplicaIdentity: "REPLICA IDENTITY",
  AT_ChangeOwner: "OWNER TO",
};

function clause(table: Name, command: AlterTableCmd): Change {
  const { subtype } = command;
  if (subtype === undefined) return opaque("ALTER TABLE");
  const trigger = triggerClauses[subtype];
  if (trigger !== undefined) return { kind: "alterTrigger", table, how: `${trigger} ${command.name ?? ""}`.trim() };
  const security = securityClauses[subtype];
  if (security !== undefined) return { kind: "rowSecurity", table, how: security };
  const change = (columnClauses[subtype] ?? tableClauses[subtype])?.(table, command);
  return change ?? (onlySettings.has(subtype) ? harmless : opaque(`ALTER TABLE … ${subtype}`));
}

type Clause = (table: Name, command: AlterTableCmd) => Change | undefined;

function definitionOf({ def }: AlterTableCmd): ColumnDef | undefined {
  return def !== undefined && "ColumnDef" in def ? def.ColumnDef : undefined;
}

const columnClauses: Readonly<Partial<Record<AlterTableType, Clause>>> = {
  AT_AddColumn(table, command) {
    const definition = definitionOf(command);
    if (definition === undefined) return undefined;
    const constraints = inlineConstraints(definition);
    return {
      kind: "addColumn",
      table,
      column: columnSpec(definition),
      constraints,
      ifNotExists: command.missing_ok === true,
    };
  },
  AT_DropColumn: (table, { name = "", missing_ok, behavior }) => ({
    kind: "dropColumn",
    table,
    column: name,
    ifExists: missing_ok === true,
    cascade: behavior === "DROP_CASCADE",
  }),
  AT_AlterColumnType(table, command) {
    const definition = definitionOf(command);
    const type = columnType(definition?.typeName);
    if (type === undefined) return undefined;
    const using = definition?.raw_default;
    const collation = strings(definition?.collClause?.collname).at(-1);
    return {
      kind: "alterType",
      table,
      column: command.name ?? "",
      type,
      ...(using === undefined ? {} : { using }),
      ...(collation === undefined ? {} : { collation }),
    };
  },
  AT_SetNotNull: (table, { name: column = "" }) => ({ kind: "setNotNull", table, column }),
  AT_DropNotNull: (table, { name: column = "" }) => ({ kind: "dropNotNull", table, column }),
  AT_ColumnDefault: (table, { name: column = "", def }) =>
    def === undefined ? { kind: "dropDefault", table, column } : { kind: "setDefault", table, column, value: def },
  AT_SetExpression: (table, { name: column = "" }) => ({ kind: "setExpression", table, column }),
  AT_DropExpression: (table, { name: column = "" }) => ({ kind: "dropExpression", table, column }),
  AT_AddIdentity: (table, { name: column = "" }) => ({ kind: "addIdentity", table, column }),
  AT_SetIdentity: setIdentity,
  AT_DropIdentity: (table, { name: column = "" }) => ({ kind: "dropIdentity", table, column }),
};

const tableClauses: Readonly<Partial<Record<AlterTableType, Clause>>> = {
  AT_AddConstraint(table, { def }) {
    const constraint = def !== undefined && "Constraint" in def ? constraintSpec(def.Constraint) : undefined;
    return constraint === undefined ? undefined : { kind: "addConstraint", table, constraint };
  },
  AT_DropConstraint: (table, { name = "", missing_ok, behavior }) => ({
    kind: "dropConstraint",
    table,
    constraint: name,
    ifExists: missing_ok === true,
    cascade: behavior === "DROP_CASCADE",
  }),
  AT_ValidateConstraint: (table, { name = "" }) => ({ kind: "validateConstraint", table, constraint: name }),
  AT_SetLogged: (table) => ({ kind: "setLogged", table }),
  AT_SetUnLogged: (table) => ({ kind: "setUnlogged", table }),
  AT_SetAccessMethod: (table) => ({ kind: "rewriteTable", table, how: "SET ACCESS METHOD" }),
  AT_SetTableSpace: (table) => ({ kind: "moveTable", table, how: "SET TABLESPACE" }),
  AT_AttachPartition: (table, command) => ({
    kind: "attachPartition",
    table,
    partition: nameOf(partitionOf(command)?.name),
    isDefault: partitionOf(command)?.bound?.is_default === true,
  }),
  AT_AlterConstraint: (_table, { def }) => ({
    kind: "meaning",
    how: `constraint ${def !== undefined && "Constraint" in def ? `"${def.Constraint.conname ?? ""}"` : ""} is checked at another moment`,
  }),
  AT_DetachPartition: detach,
  AT_DetachPartitionFinalize: detach,
  AT_AddInherit: (table, command) => inherit(table, command, "INHERIT"),
  AT_DropInherit: (table, command) => inherit(table, command, "NO INHERIT"),
  AT_AddOf: (table, command) => inherit(table, command, "OF"),
  AT_DropOf: (table, command) => inherit(table, command, "NOT OF"),
};

/** SET GENERATED, and what else belongs to the sequence behind the column. */
function setIdentity(table: Name, { name: column = "", def }: AlterTableCmd): Change {
  const options = def !== undefined && "List" in def ? (def.List.items ?? []) : [];
  const always = options.some(
    (option) =>
      "DefElem" in option &&
      option.DefElem.defname === "generated" &&
      option.DefElem.arg !== undefined &&
      "Integer" in option.DefElem.arg &&
      option.DefElem.arg.Integer.ival === "a".charCodeAt(0),
  );
  if (always) return { kind: "identityAlways", table, column };
  const how = narrowing(options);
  if (how.length === 0) return harmless;
  return { kind: "restartSequence", sequence: { name: `${table.name}.${column}` }, how: how.join(", ") };
}

function partitionOf({ def }: AlterTableCmd): PartitionCmd | undefined {
  return def !== undefined && "PartitionCmd" in def ? def.PartitionCmd : undefined;
}

function detach(table: Name, command: AlterTableCmd): Change {
  const partition = partitionOf(command);
  return {
    kind: "detachPartition",
    table,
    partition: nameOf(partition?.name),
    concurrently: partition?.concurrent === true,
  };
}

function inherit(table: Name, { def }: AlterTableCmd, how: string): Change {
  const parent = def !== undefined && "RangeVar" in def ? nameOf(def.RangeVar) : undefined;
  return { kind: "inherit", table, how, ...(parent === undefined ? {} : { parent }) };
}
