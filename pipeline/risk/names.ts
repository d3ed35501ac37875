import type { Node, RangeVar } from "libpg-query";

/** A name as a statement gives it, without its quotes. */
export interface Name {
  readonly schema?: string;
  readonly name: string;
}

/** The name of what a statement makes: a temporary thing is in a schema of its own. */
export function newNameOf(relation: RangeVar | undefined): Name {
  const name = nameOf(relation);
  return relation?.relpersistence === "t" ? { ...name, schema: "pg_temp" } : name;
}

export function nameOf(relation: RangeVar | undefined): Name {
  const name = relation?.relname ?? "";
  return relation?.schemaname === undefined ? { name } : { schema: relation.schemaname, name };
}

/** The strings of a list of `String` nodes. */
export function strings(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => ("String" in node ? [node.String.sval ?? ""] : []));
}

/** A dotted name given as a list of `String` nodes. */
export function dotted(parts: readonly string[]): Name {
  const name = parts.at(-1) ?? "";
  const schema = parts.at(-2);
  return schema === undefined ? { name } : { schema, name };
}

/** The name that an object of DROP, COMMENT or ALTER stands for: a list of strings, a type, or a function. */
export function objectName(node: Node | undefined): Name {
  if (node === undefined) return { name: "" };
  if ("List" in node) return dotted(strings(node.List.items));
  if ("TypeName" in node) return dotted(strings(node.TypeName.names));
  if ("ObjectWithArgs" in node) return dotted(strings(node.ObjectWithArgs.objname));
  if ("String" in node) return { name: node.String.sval ?? "" };
  if ("RangeVar" in node) return nameOf(node.RangeVar);
  return { name: "" };
}

/** As it is written in SQL. */
export function show(name: Name): string {
  return name.schema === undefined ? `"${name.name}"` : `"${name.schema}"."${name.name}"`;
}

export function showColumns(columns: readonly string[]): string {
  return columns.map((column) => `"${column}"`).join(", ");
}
