import type { Node } from "libpg-query";
import type { Change } from "../change.js";
import { type Name, nameOf } from "../names.js";
import { bareName, isWaiting } from "../functions.js";
import { attributesIn, functionsIn, relationsIn, walk } from "../walk.js";
import { alwaysTrue, onlyNotNull } from "./alwaysTrue.js";
import { tableFromQuery } from "./create.js";
import { setsFixedValue } from "./sequences.js";

/**
 * What SELECT, INSERT, UPDATE, DELETE, MERGE and COPY do to rows, with what their WITH clauses do and the functions that
 * they call.
 */
export function dataChanges(node: Node): Change[] {
  const changes: Change[] = [];
  walk(node, (kind, fields) => {
    if (kind === "SelectStmt" && Array.isArray(fields["lockingClause"])) changes.push(...lockedRows(fields));
    const change = rowChange({ [kind]: fields } as unknown as Node);
    if (change !== undefined) changes.push(change);
  });
  changes.push(...callsIn(node), ...readIn(node));
  return changes.length > 0 ? changes : [{ kind: "harmless" }];
}

/** The tables that a query reads. */
function readIn(node: Node): Change[] {
  const tables: Name[] = [];
  walk([node], (kind, { fromClause }) => {
    if (kind === "SelectStmt") tables.push(...relationsIn(fromClause));
  });
  return tables.map((table) => ({ kind: "readRows", table }));
}

/** FOR UPDATE and its kind: of the tables that it names, else of all that are read. */
function lockedRows({ fromClause, lockingClause }: Readonly<Record<string, unknown>>): Change[] {
  const named = relationsIn(lockingClause);
  const read = relationsIn(fromClause);
  // It names them by their aliases, which is near enough where there is but one.
  const tables = read.length === 1 || named.length === 0 ? read : named;
  return tables.map((table) => ({ kind: "lockRows", table }));
}

/** The functions that a statement calls as it runs. */
export function callsIn(value: unknown): Change[] {
  const functions = [...functionsIn(value)];
  const attributes = [...attributesIn(value)];
  const waiting = functions.filter((name) => isWaiting(bareName(name)));
  return [
    ...waiting.map((name): Change => ({ kind: "waits", how: `${name}()` })),
    ...(functions.length > 0 || attributes.length > 0
      ? [{ kind: "callsFunctions", functions, attributes } as const]
      : []),
  ];
}

function rowChange(node: Node): Change | undefined {
  const change = writeOf(node);
  // What the catalog says is how PostgreSQL reads every table.
  if (change === undefined || !("table" in change) || change.table === undefined || !isCatalog(change.table))
    return change;
  return { kind: "opaque", what: `A write to the catalog table ${change.table.name}`, inner: [], hints: [] };
}

function isCatalog({ schema, name }: Name): boolean {
  return schema === "pg_catalog" || schema === "information_schema" || (schema === undefined && name.startsWith("pg_"));
}

function writeOf(node: Node): Change | undefined {
  if ("UpdateStmt" in node) {
    const { relation, whereClause, fromClause, targetList } = node.UpdateStmt;
    const columns = (targetList ?? []).flatMap((item) => ("ResTarget" in item ? [item.ResTarget.name ?? ""] : []));
    return write("UPDATE", nameOf(relation), whereClause, fromClause, columns);
  }
  if ("DeleteStmt" in node) {
    return write("DELETE", nameOf(node.DeleteStmt.relation), node.DeleteStmt.whereClause, node.DeleteStmt.usingClause);
  }
  if ("MergeStmt" in node) {
    const { relation, joinCondition } = node.MergeStmt;
    const filtered = joinCondition === undefined || !alwaysTrue(joinCondition);
    return { kind: "write", verb: "MERGE", table: nameOf(relation), filtered, columns: [] };
  }
  if ("InsertStmt" in node) {
    const table = nameOf(node.InsertStmt.relation);
    const conflict = node.InsertStmt.onConflictClause?.action === "ONCONFLICT_UPDATE";
    if (!conflict) return { kind: "insert", table };
    return { kind: "write", verb: "INSERT … ON CONFLICT DO UPDATE", table, filtered: true, columns: [] };
  }
  if ("FuncCall" in node) return setsFixedValue(node.FuncCall);
  if ("SelectStmt" in node && node.SelectStmt.intoClause !== undefined) {
    return tableFromQuery(nameOf(node.SelectStmt.intoClause.rel));
  }
  return undefined;
}

function write(
  verb: "UPDATE" | "DELETE",
  table: Name,
  where: Node | undefined,
  from: readonly Node[] | undefined,
  columns: readonly string[] = [],
): Change {
  // A join without a condition reaches every row too, if there is one to join with.
  const filtered = where !== undefined && !alwaysTrue(where);
  const unlessNull = where === undefined ? undefined : onlyNotNull(where);
  return {
    ...{ kind: "write", verb, table, filtered: filtered || (where === undefined && joins(from)), columns },
    ...(unlessNull === undefined ? {} : { unlessNull }),
  };
}

/** FROM with a subquery or JOIN … ON may filter by itself. */
function joins(from: readonly Node[] | undefined): boolean {
  return (from ?? []).some((item) => "JoinExpr" in item && item.JoinExpr.quals !== undefined);
}

/** COPY: rows come in, or go out; a program is out of sight. */
export function copyChanges(statement: Extract<Node, { CopyStmt: unknown }>["CopyStmt"]): Change[] {
  if (statement.is_program === true) return [{ kind: "opaque", what: "COPY with a program", inner: [], hints: [] }];
  // A file of the server, and not the client's stream: COPY … TO writes over it.
  if (statement.filename !== undefined && statement.is_from !== true)
    return [{ kind: "opaque", what: "COPY to a file of the server", inner: [], hints: [] }];
  if (statement.query !== undefined) return dataChanges(statement.query);
  return [statement.is_from === true ? { kind: "insert", table: nameOf(statement.relation) } : { kind: "harmless" }];
}
