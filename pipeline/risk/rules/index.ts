import type { Rule } from "../rule.js";
import { addCheck } from "./add-check.js";
import { addColumnConstraint } from "./add-column-constraint.js";
import { addColumnDomain } from "./add-column-domain.js";
import { addColumnGenerated } from "./add-column-generated.js";
import { addColumnNotNull } from "./add-column-not-null.js";
import { addColumnUnique } from "./add-column-unique.js";
import { addColumnVolatileDefault } from "./add-column-volatile-default.js";
import { addExclusion } from "./add-exclusion.js";
import { addForeignKey } from "./add-foreign-key.js";
import { addPrimaryKey } from "./add-primary-key.js";
import { addUnique } from "./add-unique.js";
import { alterCompositeType } from "./alter-composite-type.js";
import { alterDomain } from "./alter-domain.js";
import { backfill } from "./backfill.js";
import { changeCollation } from "./change-collation.js";
import { changePrimaryKey } from "./change-primary-key.js";
import { changeType } from "./change-type.js";
import { changeTypeLoses } from "./change-type-loses.js";
import { columnUnderView } from "./column-under-view.js";
import { concurrentlyInTransaction } from "./concurrently-in-transaction.js";
import { createIndex } from "./create-index.js";
import { defaultLost } from "./default-lost.js";
import { dropCascade } from "./drop-cascade.js";
import { dropColumn } from "./drop-column.js";
import { dropConstraint } from "./drop-constraint.js";
import { dropIndex } from "./drop-index.js";
import { dropObject } from "./drop-object.js";
import { dropSchema } from "./drop-schema.js";
import { dropTable } from "./drop-table.js";
import { enumValueRemoved } from "./enum-value-removed.js";
import { enumValueUsed } from "./enum-value-used.js";
import { lockRows } from "./lock-rows.js";
import { lockTable } from "./lock-table.js";
import { meaningChanged } from "./meaning-changed.js";
import { opaque } from "./opaque.js";
import { partition } from "./partition.js";
import { publication } from "./publication.js";
import { readUnderLock } from "./read-under-lock.js";
import { refreshMaterializedView } from "./refresh-materialized-view.js";
import { reindex } from "./reindex.js";
import { relationRestructured } from "./relation-restructured.js";
import { rename } from "./rename.js";
import { renameEnumValue } from "./rename-enum-value.js";
import { replaceFunction } from "./replace-function.js";
import { rewriteTable } from "./rewrite-table.js";
import { restartSequence } from "./restart-sequence.js";
import { rowSecurity } from "./row-security.js";
import { setExpression } from "./set-expression.js";
import { setNotNull } from "./set-not-null.js";
import { setUnlogged } from "./set-unlogged.js";
import { structureMoved } from "./structure-moved.js";
import { transactionControl } from "./transaction-control.js";
import { trigger } from "./trigger.js";
import { truncate } from "./truncate.js";
import { validateConstraint } from "./validate-constraint.js";
import { writeAllRows } from "./write-all-rows.js";

/** Every rule; the order is that of the findings of one statement. */
export const rules: readonly Rule[] = [
  addCheck,
  addColumnConstraint,
  addColumnDomain,
  addColumnGenerated,
  addColumnNotNull,
  addColumnUnique,
  addColumnVolatileDefault,
  addExclusion,
  addForeignKey,
  addPrimaryKey,
  addUnique,
  alterCompositeType,
  alterDomain,
  backfill,
  changeCollation,
  changePrimaryKey,
  changeType,
  changeTypeLoses,
  columnUnderView,
  concurrentlyInTransaction,
  createIndex,
  defaultLost,
  dropCascade,
  dropColumn,
  dropConstraint,
  dropIndex,
  dropObject,
  dropSchema,
  dropTable,
  enumValueRemoved,
  enumValueUsed,
  lockRows,
  lockTable,
  meaningChanged,
  opaque,
  partition,
  publication,
  readUnderLock,
  refreshMaterializedView,
  reindex,
  relationRestructured,
  restartSequence,
  rename,
  renameEnumValue,
  replaceFunction,
  rewriteTable,
  rowSecurity,
  setExpression,
  setNotNull,
  setUnlogged,
  structureMoved,
  transactionControl,
  trigger,
  truncate,
  validateConstraint,
  writeAllRows,
];
