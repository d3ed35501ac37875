/**
 * The checks whose findings `repair` can mend, in the order in which they are mended: rows that point at nothing are moved before the
 * constraint on them is validated.
 */
export const repairOrder: readonly string[] = [
  "failed",
  "invalid-index",
  "corrupt-index",
  "sequence-behind",
  "orphans",
  "unvalidated-constraint",
  "bloat",
];
