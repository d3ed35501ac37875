import type { AlterTableCmd, AlterTableStmt, AlterTableType } from "libpg-query";
import type { Change } from "../change.js";
import { columnType } from "../columnType.js";
import { type Name, nameOf, strings } from "../names.js";
import { columnSpec, constraintSpec, inlineConstraints } from "./columns.js";

/** What the clauses of ALTER TABLE (INDEX, VIEW, SEQUENCE, TYPE) do, in their order. */
export function alterTable(statement: AlterTableStmt): Change[] {
  const table = nameOf(statement.relation);
  const commands = (statement.cmds ?? []).flatMap((node) => ("AlterTableCmd" in node ? [node.AlterTableCmd] : []));
  switch (statement.objtype) {
    case "OBJECT_TABLE":
    case "OBJECT_FOREIGN_TABLE":
    case "OBJECT_MATVIEW":
      return commands.map((command) => clause(table, command));
    case "OBJECT_TYPE":
      return commands.map((command) => ({
        kind: "alterCompositeType",
        type: table,
        cascade: command.behavior === "DROP_CASCADE",
        how: attributeChange[command.subtype ?? "AT_AddColumn"] ?? "changes an attribute",
      }));
    case "OBJECT_INDEX":
    case "OBJECT_VIEW":
    case "OBJECT_SEQUENCE":
      return commands.map(({ subtype }) => (onlySettings.has(subtype) ? harmless : opaque(`ALTER … ${subtype ?? ""}`)));
    default:
      return [opaque("ALTER of an unknown kind of object")];
  }
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
  "AT_ChangeOwner",
  "AT_ClusterOn",
  "AT_DropCluster",
  "AT_SetRelOptions",
  "AT_ResetRelOptions",
  "AT_ReplaceRelOptions",
  "AT_SetIdentity",
  "AT_AlterConstraint",
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
};

function clause(table: Name, command: AlterTableCmd): Change {
  const { subtype } = command;
  if (subtype !== undefined && triggerClauses[subtype] !== undefined) {
    return { kind: "alterTrigger", table, how: `${triggerClauses[subtype]} ${command.name ?? ""}`.trim() };
  }
  if (subtype !== undefined && securityClauses[subtype] !== undefined) {
    return { kind: "rowSecurity", table, how: securityClauses[subtype] };
  }
  return columnClause(table, command) ?? tableClause(table, command);
}

function columnClause(table: Name, command: AlterTableCmd): Change | undefined {
  const column = command.name ?? "";
  const definition = command.def !== undefined && "ColumnDef" in command.def ? command.def.ColumnDef : undefined;
  switch (command.subtype) {
    case "AT_AddColumn":
      if (definition === undefined) return undefined;
      return {
        kind: "addColumn",
        table,
        column: columnSpec(definition),
        constraints: inlineConstraints(definition),
        ifNotExists: command.missing_ok === true,
      };
    case "AT_DropColumn":
      return {
        kind: "dropColumn",
        table,
        column,
        ifExists: command.missing_ok === true,
        cascade: command.behavior === "DROP_CASCADE",
      };
    case "AT_AlterColumnType": {
      const type = columnType(definition?.typeName);
      if (type === undefined) return undefined;
      const using = definition?.raw_default;
      const collation = strings(definition?.collClause?.collname).at(-1);
      return {
        kind: "alterType",
        table,
        column,
        type,
        ...(using === undefined ? {} : { using }),
        ...(collation === undefined ? {} : { collation }),
      };
    }
    case "AT_SetNotNull":
      return { kind: "setNotNull", table, column };
    case "AT_DropNotNull":
      return { kind: "dropNotNull", table, column };
    case "AT_ColumnDefault":
      return command.def === undefined
        ? { kind: "dropDefault", table, column }
        : { kind: "setDefault", table, column, value: command.def };
    case "AT_SetExpression":
      return { kind: "setExpression", table, column };
    case "AT_DropExpression":
      return { kind: "dropExpression", table, column };
    case "AT_AddIdentity":
      return { kind: "addIdentity", table, column };
    case "AT_DropIdentity":
      return { kind: "dropIdentity", table, column };
    default:
      return undefined;
  }
}

function tableClause(table: Name, command: AlterTableCmd): Change {
  const name = command.name ?? "";
  switch (command.subtype) {
    case "AT_AddConstraint": {
      const constraint =
        command.def !== undefined && "Constraint" in command.def ? constraintSpec(command.def.Constraint) : undefined;
      return constraint === undefined
        ? opaque("ADD of an unknown kind of constraint")
        : { kind: "addConstraint", table, constraint };
    }
    case "AT_DropConstraint":
      return {
        kind: "dropConstraint",
        table,
        constraint: name,
        ifExists: command.missing_ok === true,
        cascade: command.behavior === "DROP_CASCADE",
      };
    case "AT_ValidateConstraint":
      return { kind: "validateConstraint", table, constraint: name };
    case "AT_SetLogged":
      return { kind: "setLogged", table };
    case "AT_SetUnLogged":
      return { kind: "setUnlogged", table };
    case "AT_SetAccessMethod":
      return { kind: "rewriteTable", table, how: "SET ACCESS METHOD" };
    case "AT_SetTableSpace":
      return { kind: "moveTable", table, how: "SET TABLESPACE" };
    case "AT_AttachPartition":
    case "AT_DetachPartition":
    case "AT_DetachPartitionFinalize": {
      const partition =
        command.def !== undefined && "PartitionCmd" in command.def ? command.def.PartitionCmd : undefined;
      const names = { table, partition: nameOf(partition?.name) };
      if (command.subtype === "AT_AttachPartition") return { kind: "attachPartition", ...names };
      return { kind: "detachPartition", ...names, concurrently: partition?.concurrent === true };
    }
    case "AT_AddInherit":
    case "AT_DropInherit": {
      const parent = command.def !== undefined && "RangeVar" in command.def ? nameOf(command.def.RangeVar) : undefined;
      const how = command.subtype === "AT_AddInherit" ? "INHERIT" : "NO INHERIT";
      return { kind: "inherit", table, how, ...(parent === undefined ? {} : { parent }) };
    }
    case "AT_AddOf":
    case "AT_DropOf":
      return { kind: "inherit", table, how: command.subtype === "AT_AddOf" ? "OF" : "NOT OF" };
    default:
      return onlySettings.has(command.subtype) ? harmless : opaque(`ALTER TABLE … ${command.subtype ?? ""}`);
  }
}
