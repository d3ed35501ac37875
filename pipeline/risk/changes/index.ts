import type { Node } from "libpg-query";
import type { Change } from "../change.js";
import { nameOf, objectName, strings } from "../names.js";
import type { ParsedStatement } from "../statements.js";
import { alterTable } from "./alterTable.js";
import { createIndex, createTable, createTableAs } from "./create.js";
import { copyChanges, dataChanges } from "./data.js";
import { dropObjects } from "./drop.js";
import { doBlock, hintsIn } from "./opaque.js";
import { rename, setSchema } from "./rename.js";
import { alterSequence } from "./sequences.js";
import { configured, setVariable } from "./session.js";
import { typeChange } from "./types.js";

/** What a statement does; opaque where it cannot be read or is of a kind that is not known here. */
export function changesOf(statement: ParsedStatement): Change[] {
  if (statement.node !== undefined) return read(statement.node);
  return [
    {
      kind: "opaque",
      what: `SQL that cannot be read (${statement.problem ?? "empty"})`,
      inner: [],
      hints: hintsIn(statement.text),
    },
  ];
}

function read(node: Node): Change[] {
  return (
    harmless(node) ?? schemaChange(node) ?? typeChange(node) ?? rowChange(node) ?? maintenance(node) ?? [unknown(node)]
  );
}

function unknown(node: Node): Change {
  const [kind = "statement"] = Object.keys(node);
  return { kind: "opaque", what: `${kind.replace(/Stmt$/, "")} statement`, inner: [], hints: [] };
}

/** Statements that neither rows nor the shape of a table depend on. */
const harmlessKinds: ReadonlySet<string> = new Set([
  "CommentStmt",
  "SecLabelStmt",
  "CreateExtensionStmt",
  "CreateSeqStmt",
  "AlterOwnerStmt",
  "CreateRoleStmt",
  "CreateStatsStmt",
  "AlterStatsStmt",
  "CreatePublicationStmt",
  "AlterPublicationStmt",
  "DefineStmt",
  "CreateCastStmt",
  "CreateConversionStmt",
  "CreateOpClassStmt",
  "CreateOpFamilyStmt",
  "CreateFdwStmt",
  "CreateForeignServerStmt",
  "CreateUserMappingStmt",
  "CreateAmStmt",
  "CreatePLangStmt",
  "AlterFunctionStmt",
  "AlterDefaultPrivilegesStmt",
  "VariableShowStmt",
  "ConstraintsSetStmt",
  "NotifyStmt",
  "ListenStmt",
  "UnlistenStmt",
  "CheckPointStmt",
  "AlterTSDictionaryStmt",
  "AlterTSConfigurationStmt",
  "AlterObjectDependsStmt",
  "AlterOperatorStmt",
  "AlterCollationStmt",
]);

function harmless(node: Node): Change[] | undefined {
  const [kind = ""] = Object.keys(node);
  if (harmlessKinds.has(kind)) return [{ kind: "harmless" }];
  if ("GrantStmt" in node) {
    return [node.GrantStmt.is_grant === true ? { kind: "harmless" } : { kind: "rowSecurity", how: "REVOKE" }];
  }
  if ("GrantRoleStmt" in node) {
    return [node.GrantRoleStmt.is_grant === true ? { kind: "harmless" } : { kind: "rowSecurity", how: "REVOKE" }];
  }
  if ("VacuumStmt" in node) {
    const full = (node.VacuumStmt.options ?? []).some(
      (option) => "DefElem" in option && option.DefElem.defname === "full",
    );
    const relations = (node.VacuumStmt.rels ?? []).flatMap((item) =>
      "VacuumRelation" in item ? [nameOf(item.VacuumRelation.relation)] : [],
    );
    if (!full) return [{ kind: "harmless" }];
    if (relations.length === 0) return [{ kind: "rewriteTable", how: "VACUUM FULL" }];
    return relations.map((table) => ({ kind: "rewriteTable", table, how: "VACUUM FULL" }));
  }
  return undefined;
}

function schemaChange(node: Node): Change[] | undefined {
  if ("CreateStmt" in node) return [createTable(node.CreateStmt)];
  if ("CreateForeignTableStmt" in node)
    return node.CreateForeignTableStmt.base ? [createTable(node.CreateForeignTableStmt.base)] : undefined;
  if ("CreateTableAsStmt" in node) {
    const { query } = node.CreateTableAsStmt;
    return [createTableAs(node.CreateTableAsStmt), ...(query === undefined ? [] : dataChanges(query))];
  }
  if ("ViewStmt" in node) {
    return [{ kind: "createView", view: nameOf(node.ViewStmt.view), materialized: false, query: node.ViewStmt.query }];
  }
  if ("IndexStmt" in node) return [createIndex(node.IndexStmt)];
  if ("AlterSeqStmt" in node) return [alterSequence(node.AlterSeqStmt)];
  if ("AlterTableStmt" in node) return alterTable(node.AlterTableStmt);
  if ("DropStmt" in node) return dropObjects(node.DropStmt);
  if ("RenameStmt" in node) return [rename(node.RenameStmt)];
  if ("AlterObjectSchemaStmt" in node) return [setSchema(node.AlterObjectSchemaStmt)];
  if ("CreateSchemaStmt" in node) {
    const inner = (node.CreateSchemaStmt.schemaElts ?? []).flatMap((element) => read(element));
    return [{ kind: "createSchema", name: node.CreateSchemaStmt.schemaname ?? "" }, ...inner];
  }
  if ("CreateTrigStmt" in node) {
    const { relation, trigname } = node.CreateTrigStmt;
    return [{ kind: "createTrigger", table: nameOf(relation), name: trigname ?? "" }];
  }
  if ("RuleStmt" in node)
    return [{ kind: "createTrigger", table: nameOf(node.RuleStmt.relation), name: node.RuleStmt.rulename ?? "" }];
  if ("CreatePolicyStmt" in node)
    return [{ kind: "rowSecurity", table: nameOf(node.CreatePolicyStmt.table), how: "CREATE POLICY" }];
  if ("AlterPolicyStmt" in node)
    return [{ kind: "rowSecurity", table: nameOf(node.AlterPolicyStmt.table), how: "ALTER POLICY" }];
  if ("CreateFunctionStmt" in node) {
    const { funcname, options } = node.CreateFunctionStmt;
    const volatility = (options ?? []).flatMap((option) =>
      "DefElem" in option &&
      option.DefElem.defname === "volatility" &&
      option.DefElem.arg &&
      "String" in option.DefElem.arg
        ? [option.DefElem.arg.String.sval]
        : [],
    );
    const name = strings(funcname).at(-1) ?? "";
    return [
      {
        kind: "createFunction",
        name: { name },
        volatile: !volatility.some((kind) => kind === "immutable" || kind === "stable"),
      },
    ];
  }
  return undefined;
}

function rowChange(node: Node): Change[] | undefined {
  if ("SelectStmt" in node) {
    const setting = configured(node);
    return setting === undefined ? dataChanges(node) : [setting];
  }
  if ("InsertStmt" in node || "UpdateStmt" in node || "DeleteStmt" in node || "MergeStmt" in node)
    return dataChanges(node);
  if ("CopyStmt" in node) return copyChanges(node.CopyStmt);
  if ("TruncateStmt" in node) {
    const cascade = node.TruncateStmt.behavior === "DROP_CASCADE";
    const relations = node.TruncateStmt.relations ?? [];
    return relations.flatMap((item) =>
      "RangeVar" in item ? [{ kind: "truncate", table: nameOf(item.RangeVar), cascade }] : [],
    );
  }
  // EXPLAIN without ANALYZE runs nothing, and with it everything.
  if ("ExplainStmt" in node) return node.ExplainStmt.query === undefined ? undefined : read(node.ExplainStmt.query);
  return undefined;
}

function maintenance(node: Node): Change[] | undefined {
  if ("DoStmt" in node) return [doBlock(node.DoStmt.args, read)];
  if ("CallStmt" in node) return [{ kind: "opaque", what: "CALL of a procedure", inner: [], hints: [] }];
  if ("VariableSetStmt" in node) return [setVariable(node.VariableSetStmt)];
  if ("TransactionStmt" in node) {
    const what = (node.TransactionStmt.kind ?? "").replace("TRANS_STMT_", "").replaceAll("_", " ");
    return [{ kind: "transaction", what }];
  }
  if ("ClusterStmt" in node) {
    const { relation } = node.ClusterStmt;
    return [{ kind: "rewriteTable", how: "CLUSTER", ...(relation ? { table: nameOf(relation) } : {}) }];
  }
  if ("ReindexStmt" in node) {
    const { relation, name, kind, params } = node.ReindexStmt;
    const concurrently = (params ?? []).some(
      (option) => "DefElem" in option && option.DefElem.defname === "concurrently",
    );
    const what = (kind ?? "").replace("REINDEX_OBJECT_", "");
    return [{ kind: "reindex", name: relation ? nameOf(relation) : { name: name ?? "" }, what, concurrently }];
  }
  if ("RefreshMatViewStmt" in node) {
    const { relation, concurrent } = node.RefreshMatViewStmt;
    return [{ kind: "refreshView", view: nameOf(relation), concurrently: concurrent === true }];
  }
  if ("LockStmt" in node) {
    return (node.LockStmt.relations ?? []).map((item) => ({ kind: "lockTable", table: objectName(item) }));
  }
  if ("DropdbStmt" in node) return [{ kind: "dropDatabase", name: node.DropdbStmt.dbname ?? "" }];
  if ("CreatedbStmt" in node) return [{ kind: "harmless" }];
  return undefined;
}
