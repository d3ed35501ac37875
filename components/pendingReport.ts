import type { MigrationRef } from "../pipeline/contracts.js";

/** What a preview says of the migrations to come, from the folder and the stack's last outputs alone. */
export function describePending(pending: readonly MigrationRef[], hasRun: boolean): string {
  const before = hasRun ? "the stack's last verified run" : "no run of this stack so far";
  if (pending.length === 0) return `Pending migrations (against ${before}): none.`;
  const lines = pending.map(({ name, checksum }) => `  ${name}  sha256 ${checksum.slice(0, 12)}`);
  return `Pending migrations (against ${before}): ${pending.length}\n${lines.join("\n")}`;
}
