import type { Node } from "libpg-query";
import type { Change } from "../change.js";
import { nameOf, objectName } from "../names.js";
import type { ParsedStatement } from "../statements.js";
import { alterTable } from "./alterTable.js";
import { createIndex, createRule, createTable, createTableAs, createTrigger, createView } from "./create.js";
import { callsIn, copyChanges, dataChanges } from "./data.js";
import { dropObjects } from "./drop.js";
import { alterFunction, createFunction } from "./functions.js";
import { meaningChange } from "./meaning.js";
import { doBlock, hintsIn } from "./opaque.js";
import { isOn } from "./options.js";
import { rename, setSchema } from "./rename.js";
import { rightsChange } from "./rights.js";
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
    harmless(node) ??
    rightsChange(node) ??
    meaningChange(node) ??
    schemaChange(node) ??
    typeChange(node) ??
    rowChange(node) ??
    maintenance(node) ?? [unknown(node)]
  );
}

function unknown(node: Node): Change {
  const [kind = "statement"] = Object.keys(node);
  return { kind: "opaque", what: `${kind.replace(/Stmt$/, "")} statement`, inner: [], hints: [] };
}

/** Statements that neither rows nor the shape of a table depend on. */
const harmlessKinds: ReadonlySet<string> = new Set([
  "CommentStmt",
  "CreateStatsStmt",
  "AlterStatsStmt",
  "CreateConversionStmt",
  "CreateOpClassStmt",
  "CreateOpFamilyStmt",
  "CreateFdwStmt",
  "CreateForeignServerStmt",
  "CreateUserMappingStmt",
  "CreateAmStmt",
  "VariableShowStmt",
  "ConstraintsSetStmt",
  "NotifyStmt",
  "ListenStmt",
  "UnlistenStmt",
  "CheckPointStmt",
  "AlterObjectDependsStmt",
  "AlterOperatorStmt",
]);

function harmless(node: Node): Change[] | undefined {
  const [kind = ""] = Object.keys(node);
  if (harmlessKinds.has(kind)) return [{ kind: "harmless" }];
  if ("VacuumStmt" in node) {
    const full = isOn(node.VacuumStmt.options, "full");
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
    return node.CreateForeignTableStmt.base
      ? [{ ...createTable(node.CreateForeignTableStmt.base), foreign: true }]
      : undefined;
  if ("CreateTableAsStmt" in node) {
    const { query } = node.CreateTableAsStmt;
    return [createTableAs(node.CreateTableAsStmt), ...(query === undefined ? [] : dataChanges(query))];
  }
  if ("ViewStmt" in node) return [createView(node.ViewStmt)];
  if ("IndexStmt" in node) {
    const { indexParams, whereClause } = node.IndexStmt;
    return [createIndex(node.IndexStmt), ...callsIn([indexParams, whereClause])];
  }
  if ("CreateSeqStmt" in node) return [{ kind: "createSequence", name: nameOf(node.CreateSeqStmt.sequence) }];
  if ("AlterSeqStmt" in node) return [alterSequence(node.AlterSeqStmt)];
  if ("AlterTableStmt" in node) return alterTable(node.AlterTableStmt);
  if ("DropStmt" in node) return dropObjects(node.DropStmt);
  if ("RenameStmt" in node) return [rename(node.RenameStmt)];
  if ("AlterObjectSchemaStmt" in node) return [setSchema(node.AlterObjectSchemaStmt)];
  if ("CreateSchemaStmt" in node) {
    const inner = (node.CreateSchemaStmt.schemaElts ?? []).flatMap((element) => read(element));
    return [{ kind: "createSchema", name: node.CreateSchemaStmt.schemaname ?? "" }, ...inner];
  }
  if ("CreateTrigStmt" in node) return [createTrigger(node.CreateTrigStmt)];
  if ("RuleStmt" in node) return [createRule(node.RuleStmt)];
  if ("CreatePolicyStmt" in node)
    return [{ kind: "rowSecurity", table: nameOf(node.CreatePolicyStmt.table), how: "CREATE POLICY" }];
  if ("AlterPolicyStmt" in node)
    return [{ kind: "rowSecurity", table: nameOf(node.AlterPolicyStmt.table), how: "ALTER POLICY" }];
  if ("CreateFunctionStmt" in node) return [createFunction(node.CreateFunctionStmt)];
  if ("AlterFunctionStmt" in node) return [alterFunction(node.AlterFunctionStmt) ?? { kind: "harmless" }];
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
  if ("ExplainStmt" in node) {
    const { query, options } = node.ExplainStmt;
    return isOn(options, "analyze") ? (query === undefined ? undefined : read(query)) : [{ kind: "harmless" }];
  }
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
    const concurrently = isOn(params, "concurrently");
    const what = (kind ?? "").replace("REINDEX_OBJECT_", "");
    return [{ kind: "reindex", name: relation ? nameOf(relation) : { name: name ?? "" }, what, concurrently }];
  }
  if ("RefreshMatViewStmt" in node) {
    const { relation, concurrent } = node.RefreshMatViewStmt;
    return [{ kind: "refreshView", view: nameOf(relation), concurrently: concurrent === true }];
  }
  if ("LockStmt" in node) {
    const { relations, mode = 8 } = node.LockStmt;
    return (relations ?? []).map((item) => ({ kind: "lockTable", table: objectName(item), mode }));
  }
  if ("DropdbStmt" in node) return [{ kind: "dropDatabase", name: node.DropdbStmt.dbname ?? "" }];
  if ("CreatedbStmt" in node) return [{ kind: "harmless" }];
  return undefined;
}
