import type { Finding } from "../contracts.js";
import type { HistoryComparison } from "../prisma/history.js";

/** What is wrong with a history that is to be complete. */
export function describeHistory(history: HistoryComparison): Finding[] {
  const error = (check: string, names: readonly { name: string }[], what: string, remedy: string): Finding[] =>
    names.length === 0
      ? []
      : [{ check, severity: "error", message: `${what}: ${names.map(({ name }) => name).join(", ")}`, remedy }];
  return [
    ...error("pending", history.pending, "migrations are not applied", "npm run prisma:migrate:deploy"),
    ...error("failed", history.failed, "migrations failed", "npm run prisma:migrate:resolve"),
    ...error("edited", history.edited, "applied migrations were edited", "put the files back as they were applied"),
    ...error("missing", history.missing, "the folder lacks applied migrations", "check out the version that has them"),
  ];
}
