import type { SqlQuery } from "@prisma/driver-adapter-utils";
import { atomicMark } from "./history.js";

/** How Prisma's engine records that it begins a migration: an INSERT with the row's id first, and without an end. */
const start = /^(\s*insert\s+into\s+[^(]*"_prisma_migrations"\s*\()("id"[^)]*)(\)\s*values\s*\()([^)]*)(\).*)$/is;

/**
 * The engine's own record that it begins a migration, with the mark that nothing of it was sent to the server: whoever finds the
 * row unfinished knows that it changed nothing, also where the process was killed before it came to the script. Before the
 * first statement that no transaction protects is sent, the mark is taken back; see `unmarkAttempt`.
 */
export function markStart(query: SqlQuery): SqlQuery {
  const found = start.exec(query.sql);
  const [id] = query.args;
  if (found === null || typeof id !== "string" || /"(finished_at|logs)"/i.test(found[2] ?? "")) return query;
  const [, head = "", columns = "", between = "", values = "", tail = ""] = found;
  const sql = `${head}${columns},"logs"${between}${values},$${query.args.length + 1}${tail}`;
  return {
    ...query,
    sql,
    args: [...query.args, atomicMark(id)],
    argTypes: [...query.argTypes, { scalarType: "string", arity: "scalar" }],
  };
}
