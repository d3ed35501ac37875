import type { Change, ChangeKind, ConstraintSpec } from "./change.js";
import type { RuleContext } from "./ruleContext.js";
import type { Table } from "./schemaState.js";

/** Takes SHARE, SHARE ROW EXCLUSIVE or ACCESS EXCLUSIVE on its table, and keeps it to the end of the migration; measured. */
const locking: ReadonlySet<ChangeKind> = new Set<ChangeKind>([
  ...(["addColumn", "dropColumn", "alterType", "setNotNull", "dropNotNull", "setDefault", "dropDefault"] as const),
  ...(["setExpression", "dropExpression", "addIdentity", "dropIdentity", "identityAlways", "addConstraint"] as const),
  ...(["dropConstraint", "renameColumn", "renameConstraint", "createTrigger", "alterTrigger", "truncate"] as const),
  ...(["setLogged", "setUnlogged", "rewriteTable", "moveTable", "inherit", "detachPartition"] as const),
]);

/** The older tables that a change locks so that others wait. Both ends of a foreign key are locked. */
export function lockedBy(change: Change, context: RuleContext): Table[] {
  const own =
    "table" in change &&
    change.table !== undefined &&
    (locking.has(change.kind) ||
      (change.kind === "createIndex" && !change.concurrently) ||
      (change.kind === "lockTable" && change.mode > 4))
      ? [change.table]
      : [];
  const referenced = constraintsOf(change).flatMap(({ references }) => (references === undefined ? [] : [references]));
  return [...own, ...referenced].flatMap((name) => {
    const table = context.knownTable(name);
    return table === undefined || context.isNewTable(table) ? [] : [table];
  });
}

function constraintsOf(change: Change): readonly ConstraintSpec[] {
  if (change.kind === "createTable" || change.kind === "addColumn") return change.constraints;
  return change.kind === "addConstraint" ? [change.constraint] : [];
}
