import type {
  ColumnDef,
  CreateStmt,
  CreateTableAsStmt,
  CreateTrigStmt,
  IndexElem,
  IndexStmt,
  Node,
  RuleStmt,
  ViewStmt,
} from "libpg-query";
import type { ChangeOf, Change, ConstraintSpec, IndexSpec, TriggerEvent, TriggerSpec } from "../change.js";
import { dotted, nameOf, newNameOf, strings } from "../names.js";
import { columnsIn, fingerprint } from "../walk.js";
import { columnSpec, constraintSpec, inlineConstraints } from "./columns.js";

export function createTable(statement: CreateStmt): ChangeOf<"createTable"> {
  const elements = statement.tableElts ?? [];
  const definitions = elements.flatMap((node): ColumnDef[] => ("ColumnDef" in node ? [node.ColumnDef] : []));
  const listed = [...elements, ...(statement.constraints ?? [])].flatMap((node): ConstraintSpec[] => {
    const spec = "Constraint" in node ? constraintSpec(node.Constraint) : undefined;
    return spec === undefined ? [] : [spec];
  });
  const parents = (statement.inhRelations ?? []).flatMap((node) => ("RangeVar" in node ? [nameOf(node.RangeVar)] : []));
  const like = elements.flatMap((node) => ("TableLikeClause" in node ? [nameOf(node.TableLikeClause.relation)] : []));
  const [parent] = parents;
  return {
    kind: "createTable",
    table: newNameOf(statement.relation),
    columns: definitions.map(columnSpec),
    constraints: [...definitions.flatMap(inlineConstraints), ...listed],
    ifNotExists: statement.if_not_exists === true,
    complete: like.length === 0 && parents.length === 0 && statement.ofTypename === undefined,
    partitioned: statement.partspec !== undefined,
    ...(statement.partbound !== undefined && parent !== undefined ? { partitionOf: parent } : {}),
    inherits: statement.partbound === undefined ? parents : [],
    like,
    isDefault: statement.partbound?.is_default === true,
    foreign: false,
    filled: false,
    unlogged: statement.relation?.relpersistence === "u",
  };
}

export function createView({ view, query, aliases, options, withCheckOption }: ViewStmt): Change {
  const definition = fingerprint([query, aliases, options, withCheckOption]);
  return { kind: "createView", view: newNameOf(view), materialized: false, query, definition };
}

const triggerEvents: Readonly<Record<number, TriggerEvent>> = {
  4: "insert",
  8: "delete",
  16: "update",
  32: "truncate",
};

export function createTrigger({ relation, trigname = "", events = 0, columns, funcname }: CreateTrigStmt): Change {
  const trigger: TriggerSpec = {
    name: trigname,
    // A bit for each (`TRIGGER_TYPE_…` of PostgreSQL).
    events: Object.entries(triggerEvents).flatMap(([bit, event]) => ((events & Number(bit)) === 0 ? [] : [event])),
    columns: strings(columns),
    function: dotted(strings(funcname)),
  };
  return { kind: "createTrigger", table: nameOf(relation), trigger };
}

export function createRule({ relation, rulename = "", event }: RuleStmt): Change {
  const found = (["select", "update", "insert", "delete"] as const).filter(
    (one) => event === `CMD_${one.toUpperCase()}`,
  );
  return { kind: "createTrigger", table: nameOf(relation), trigger: { name: rulename, events: found, columns: [] } };
}

/** CREATE TABLE AS, SELECT INTO and CREATE MATERIALIZED VIEW. */
export function createTableAs(statement: CreateTableAsStmt): Change {
  const name = newNameOf(statement.into?.rel);
  if (statement.objtype === "OBJECT_MATVIEW") {
    const definition = fingerprint(statement.query);
    return { kind: "createView", view: name, materialized: true, query: statement.query, definition };
  }
  return tableFromQuery(name, statement.if_not_exists === true, statement.into?.skipData !== true);
}

export function tableFromQuery(table: ReturnType<typeof nameOf>, ifNotExists = false, filled = true): Change {
  return {
    kind: "createTable",
    table,
    columns: [],
    constraints: [],
    ifNotExists,
    complete: false,
    partitioned: false,
    inherits: [],
    like: [],
    isDefault: false,
    foreign: false,
    filled,
    unlogged: false,
  };
}

export function createIndex(statement: IndexStmt): Change {
  return {
    kind: "createIndex",
    table: nameOf(statement.relation),
    index: indexSpec(statement),
    concurrently: statement.concurrent === true,
    ifNotExists: statement.if_not_exists === true,
  };
}

function indexSpec(statement: IndexStmt): IndexSpec {
  const elements = (statement.indexParams ?? []).flatMap((node: Node) => ("IndexElem" in node ? [node.IndexElem] : []));
  const plain = elements.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const used = [
    ...columnsIn(statement.indexIncludingParams),
    ...columnsIn(elements),
    ...columnsIn(statement.whereClause),
  ];
  const included = (statement.indexIncludingParams ?? []).flatMap((node) =>
    "IndexElem" in node && node.IndexElem.name !== undefined ? [node.IndexElem.name] : [],
  );
  return {
    ...(statement.idxname === undefined ? {} : { name: statement.idxname }),
    columns: [...new Set([...plain, ...included, ...used])],
    ...(plain.length === elements.length ? { keys: plain } : {}),
    unique: statement.unique === true,
    partial: statement.whereClause !== undefined,
    plain: isPlain(statement, elements),
  };
}

function isPlain(statement: IndexStmt, elements: readonly IndexElem[]): boolean {
  const {
    accessMethod = "btree",
    whereClause,
    indexIncludingParams = [],
    options = [],
    nulls_not_distinct,
  } = statement;
  const usual = elements.every(
    ({ name, collation, opclass, opclassopts, ordering, nulls_ordering }) =>
      name !== undefined &&
      [collation, opclass, opclassopts].every((list) => (list ?? []).length === 0) &&
      (ordering ?? "SORTBY_DEFAULT") !== "SORTBY_DESC" &&
      (nulls_ordering ?? "SORTBY_NULLS_DEFAULT") === "SORTBY_NULLS_DEFAULT",
  );
  const bare = whereClause === undefined && indexIncludingParams.length === 0 && options.length === 0;
  return usual && bare && accessMethod === "btree" && nulls_not_distinct !== true;
}
