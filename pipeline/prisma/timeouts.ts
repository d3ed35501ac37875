import type { Node } from "libpg-query";
import { optionNames, optionIsFalse } from "./definitionOptions.js";
import type { ScriptPlan, Statement } from "./plan.js";

/** How long statements may wait and run, in milliseconds; 0: no limit. */
export interface TimeoutLimits {
  /** How long one waits for a lock, while others may come to wait behind it. */
  readonly lockTimeoutMs: number;
  /** How long one may run. */
  readonly statementTimeoutMs: number;
  /** How long one may run behind which neither readers nor writers wait; also how long it waits. Default: no limit. */
  readonly concurrentTimeoutMs?: number;
}

/**
 * What a statement does to those who come after it.
 * - `ordinary`: its lock, or its waiting for one, may keep others out.
 * - `online`: may run for long, and readers and writers go on meanwhile.
 * - `patient`: waits until every transaction that was there before it has ended, in nobody's way: a lock timeout of seconds
 *   would only make it fail again and again, and leave an invalid index each time.
 */
export type TimeoutClass = "ordinary" | "online" | "patient";

/** The class of a statement; locks by the table "Conflicting Lock Modes" of PostgreSQL's manual. */
export function timeoutClassOf(node: Node): TimeoutClass {
  if ("IndexStmt" in node) return node.IndexStmt.concurrent ? "patient" : "ordinary";
  if ("DropStmt" in node) return node.DropStmt.concurrent ? "patient" : "ordinary";
  if ("ReindexStmt" in node) {
    const { params } = node.ReindexStmt;
    const concurrently = optionNames(params).includes("concurrently") && !optionIsFalse(params, "concurrently");
    return concurrently ? "patient" : "ordinary";
  }
  if ("VacuumStmt" in node) {
    const { options } = node.VacuumStmt;
    return optionNames(options).includes("full") && !optionIsFalse(options, "full") ? "ordinary" : "online";
  }
  if ("AlterTableStmt" in node) return alterTable(node.AlterTableStmt.cmds ?? []);
  return "ordinary";
}

function alterTable(commands: readonly Node[]): TimeoutClass {
  const kinds = commands.map((command) => {
    if (!("AlterTableCmd" in command)) return "ordinary";
    const { def, subtype } = command.AlterTableCmd;
    if (def !== undefined && "PartitionCmd" in def && def.PartitionCmd.concurrent === true) return "patient";
    return subtype === "AT_ValidateConstraint" ? "online" : "ordinary";
  });
  const [first = "ordinary"] = kinds;
  return kinds.every((kind) => kind === first) ? first : "ordinary";
}

/** The class of a file whose statements run in one transaction: each holds its lock to the end. */
export function timeoutClassOfAll(statements: readonly Statement[]): TimeoutClass {
  const all = statements.length > 0 && statements.every(({ node }) => timeoutClassOf(node) === "online");
  return all ? "online" : "ordinary";
}

/** `lock_timeout` and `statement_timeout` of a class, in milliseconds. */
export function timeoutsOf(kind: TimeoutClass, limits: TimeoutLimits): { lock: number; statement: number } {
  const { lockTimeoutMs, statementTimeoutMs, concurrentTimeoutMs = 0 } = limits;
  switch (kind) {
    case "ordinary":
      return { lock: lockTimeoutMs, statement: statementTimeoutMs };
    case "online":
      return { lock: lockTimeoutMs, statement: concurrentTimeoutMs };
    case "patient":
      return { lock: 0, statement: concurrentTimeoutMs };
  }
}

/** Whether the file sets one of the timeouts itself; it then knows better, and they are left alone. */
export function setsTimeouts(plan: Exclude<ScriptPlan, { kind: "refused" }>): boolean {
  const statements = plan.kind === "alone" ? [plan.statement] : plan.statements;
  return statements.some(
    ({ node }) =>
      "VariableSetStmt" in node && ["lock_timeout", "statement_timeout"].includes(node.VariableSetStmt.name ?? ""),
  );
}
