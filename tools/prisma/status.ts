import Table from "cli-table3";
import type { MigrateStatus } from "../../pipeline/contracts.js";
import { exitCodes } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import { readMigrateStatus } from "../../pipeline/prisma/migrateStatus.js";
import type { CommandFlags } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { say } from "./output.js";

/** `prisma:migrate:status` on a database that is reached from here. @returns the exit code of {@link tellStatus} */
export async function statusCommand(context: CommandContext): Promise<number> {
  return tellStatus(context.environment, await readMigrateStatus(context), context.flags);
}

/**
 * Tells both sides of the history by name and checksum, and drift.
 *
 * @returns exit code 0: in sync, or migrations are pending (they are listed); 3: something must be put right first: a migration that
 * failed, was edited after it was applied or is missing from the folder, or drift.
 */
export function tellStatus(environment: string, status: MigrateStatus, { json }: Pick<CommandFlags, "json">): number {
  const { lines, drift, wrong, pending } = status;
  const code = wrong > 0 ? exitCodes.refused : exitCodes.ok;
  if (json === true) {
    say(JSON.stringify(status));
    return code;
  }
  say(`Database "${status.database}" at ${status.at} (${environment}), migrations in ${status.migrations}`);
  if (lines.length > 0) say(render(lines));
  say(driftLine(drift));
  say(verdict(wrong, pending, environment));
  return code;
}

function render(lines: MigrateStatus["lines"]): string {
  const table = new Table({ head: ["migration", "state", ""], style: { head: [], border: [] }, wordWrap: true });
  table.push(...lines.map(({ name, state, detail }) => [name, state, detail]));
  return table.toString();
}

function driftLine(drift: MigrateStatus["drift"]): string {
  if (drift === undefined) return "Drift: not looked for, since the folder is not what was applied.";
  if (!drift.drifted) return "Drift: none, the database is what its migrations make.";
  return `Drift: the database differs from what its migrations make:\n${drift.summary}`;
}

function verdict(wrong: number, pending: number, environment: string): string {
  if (wrong > 0) return `${wrong} thing(s) must be put right before anything is applied.`;
  const apply = environment === "local" ? "npm start" : npmRun("local", "up", "--stack", environment);
  return pending === 0 ? "In sync." : `${pending} migration(s) pending; the pipeline applies them (${apply}).`;
}
