import { PipelineError } from "../pipeline/errors.js";
import type { LastRun } from "./lastRun.js";
import type { Place } from "./moved.js";

/**
 * Refuses another major version of PostgreSQL for an RDS that is there: RDS takes it from nobody who does not say so besides, and then
 * would upgrade in its next maintenance window, behind the back of every check of this program. One that it was found to have is no
 * other one. Touches nothing.
 *
 * @throws PipelineError (`POSTGRES_MAJOR`)
 */
export function assertSameMajor(stack: string, last: LastRun | undefined, { major: now }: Place): void {
  // One of another kind was just made, from a backup, and has what the configuration says.
  if (now === undefined || last?.place?.kind !== "rds") return;
  const { postgresMajor: found, place } = last;
  const before = found ?? place.major;
  if (before === undefined || now === found || now === place.major) return;
  throw new PipelineError({
    code: "POSTGRES_MAJOR",
    kind: "refused",
    message: `The RDS of "${stack}" had PostgreSQL ${before} at its last run, and database.engineVersion says ${now}: a major version is not changed by an update.`,
    state: "Nothing was touched.",
    next:
      now > before
        ? `Put it back to "${place.major ?? before}". docs/upkeep.md ("Another major version of PostgreSQL") has the steps of an upgrade.`
        : `Set it to "${before}": no server goes back to an older major version.`,
  });
}
