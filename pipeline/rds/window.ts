import { PipelineError } from "../errors.js";
import { type Rds, ask } from "./client.js";
import type { Instance } from "./instances.js";

/** The moments that RDS can restore an instance to. */
export interface Restorable {
  readonly earliest: Date | undefined;
  readonly latest: Date | undefined;
}

/** What RDS says of it; a few minutes behind the server. */
export async function readRestorable(rds: Rds, { identifier, raw }: Instance): Promise<Restorable> {
  const { sdk, client } = rds;
  const { DBInstanceAutomatedBackups: kept = [] } = await ask(rds, `looking at the backups of ${identifier}`, () =>
    client.send(new sdk.DescribeDBInstanceAutomatedBackupsCommand({ DBInstanceIdentifier: identifier })),
  );
  const window = kept.find(({ Status: status }) => status === "active")?.RestoreWindow;
  return { earliest: window?.EarliestTime, latest: raw.LatestRestorableTime ?? window?.LatestTime };
}

/**
 * Whether RDS can restore to a moment.
 *
 * @throws PipelineError (`MOMENT`, refused) with the moments that it can restore to.
 */
export function assertRestorableAt(at: Date, { earliest, latest }: Restorable, now: Date): void {
  const text = (time: Date) => time.toISOString();
  if (latest === undefined || earliest === undefined)
    throw cannot(
      "RDS keeps no backups of this instance from which it could, or has not made the first one yet",
      "database.backupDays has RDS keep them; restore a backup instead (npm run db:restore -- --list)",
    );
  const window = `RDS can restore to any second from ${text(earliest)} to ${text(latest)}`;
  if (at > now) throw cannot(`${text(at)} has not been yet; ${window}`, "Name a moment that is over");
  if (at > latest)
    throw cannot(
      `${text(at)} is too new; ${window}, and is up to five minutes behind`,
      `Wait some minutes and run the same command, or name a moment up to ${text(latest)}`,
    );
  if (at < earliest)
    throw cannot(
      `${text(at)} is before what is kept; ${window}`,
      "Name a later moment, or restore a backup from before it (npm run db:restore -- --list)",
    );
}

function cannot(reason: string, next: string): PipelineError {
  return new PipelineError({
    code: "MOMENT",
    kind: "refused",
    message: `The database cannot be restored to that moment: ${reason}.`,
    state: "Nothing was touched.",
    next: `${next}.`,
  });
}
