import type { RehearsedMigration } from "../contracts.js";
import { few } from "../few.js";

type Told = Pick<RehearsedMigration, "name" | "down" | "changes">;

/** Whether the way back of one migration is proved, and why not, in a sentence without its end. */
export function describeWayBack({ down, changes }: Told): string {
  if (down?.verdict !== "proved") return `Way back not proved: ${reasonOf(down)}`;
  const lost = changes.length === 0 ? "" : " but what the migration declares that it changes or loses";
  return `Way back proved: its down.sql led back to the schema before, with all data${lost}`;
}

/** For all of a rehearsal's migrations: how many are proved, and by name those that are not, each with the reason. */
export function describeWaysBack(migrations: readonly Told[]): string {
  const proved = migrations.filter(({ down }) => down?.verdict === "proved");
  const byReason = new Map<string, string[]>();
  for (const { name, down } of migrations) {
    if (down?.verdict === "proved") continue;
    const reason = down?.verdict === "wrong" ? "wrong down.sql" : reasonOf(down);
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [
    ...(proved.length > 0 ? [`${proved.length} way(s) back proved`] : []),
    ...[...byReason].map(([reason, names]) => `way back not proved: ${few(names)} (${reason})`),
  ].join(", ");
}

function reasonOf(down: RehearsedMigration["down"]): string {
  const [first, ...others] = down?.problems ?? [];
  if (down === undefined) return "it was not looked at";
  // Results of earlier versions have no reason.
  if (first === undefined) return down.verdict === "absent" ? "it has no down.sql" : "it was not tried";
  return down.verdict === "wrong" ? `its down.sql is wrong: ${[first, ...others].join("; ")}` : first;
}
