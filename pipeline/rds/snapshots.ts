import type { DBSnapshot } from "@aws-sdk/client-rds";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { type Rds, ask, nameOf } from "./client.js";
import { type Purpose, type Tags, fromTags, snapshotPrefix, toTags } from "./names.js";
import { type Seen, type Waiting, waitFor } from "./wait.js";

/** A DB snapshot as it is looked at here. */
export interface Snapshot {
  readonly identifier: string;
  readonly arn: string;
  readonly status: string;
  /** When it was taken, once RDS says it. */
  readonly taken: Date | undefined;
  readonly encrypted: boolean;
  readonly tags: ReturnType<typeof fromTags>;
}

function toSnapshot(found: DBSnapshot): Snapshot {
  return {
    identifier: found.DBSnapshotIdentifier ?? "",
    arn: found.DBSnapshotArn ?? "",
    status: found.Status ?? "unknown",
    taken: found.SnapshotCreateTime,
    encrypted: found.Encrypted === true,
    tags: fromTags(found.TagList),
  };
}

/** Has RDS begin one. @throws PipelineError where it refuses: the quota, the instance's state, rights */
export async function beginSnapshot(rds: Rds, identifier: string, tags: Tags): Promise<void> {
  const { sdk, client, instance } = rds;
  await ask(rds, `making DB snapshot ${identifier}`, () =>
    client.send(
      new sdk.CreateDBSnapshotCommand({
        DBInstanceIdentifier: instance,
        DBSnapshotIdentifier: identifier,
        Tags: toTags(tags),
      }),
    ),
  );
}

/** The DB snapshot of that name; `undefined` where there is none. */
export async function findSnapshot(rds: Rds, identifier: string): Promise<Snapshot | undefined> {
  const { sdk, client } = rds;
  return ask(rds, `looking at DB snapshot ${identifier}`, async () => {
    try {
      const command = new sdk.DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: identifier });
      const { DBSnapshots: [found] = [] } = await client.send(command);
      return found === undefined ? undefined : toSnapshot(found);
    } catch (error) {
      if (nameOf(error) === "DBSnapshotNotFound") return undefined;
      throw error;
    }
  });
}

/** All that this program has made of the environment's instance. */
export async function listSnapshots(rds: Rds): Promise<Snapshot[]> {
  const { sdk, client, environment, instance } = rds;
  return ask(rds, `listing the DB snapshots of ${instance}`, async () => {
    const found: Snapshot[] = [];
    const asked = { DBInstanceIdentifier: instance, SnapshotType: "manual" };
    for await (const { DBSnapshots: page = [] } of sdk.paginateDescribeDBSnapshots({ client }, asked))
      found.push(...page.map(toSnapshot));
    return found.filter(
      ({ identifier, tags }) =>
        identifier.startsWith(snapshotPrefix(environment)) &&
        tags.environment === environment &&
        tags.instance === instance,
    );
  });
}

/**
 * Waits until a DB snapshot that was begun is complete.
 *
 * @throws PipelineError (`RDS_FAILED`, `RDS_LATE`, failedUnchanged) where it never will be; (`SNAPSHOT_UNENCRYPTED`) where it is not encrypted.
 */
export async function completeSnapshot(
  rds: Rds,
  identifier: string,
  waiting: Omit<Waiting, "what" | "late">,
): Promise<Snapshot> {
  const state = "The database was not changed, and no backup was recorded; what was begun of it, the next run removes.";
  const next = "Look at it in RDS's console; a larger backup.rdsWaitMinutes waits longer. Then run the same command.";
  const look = async (): Promise<Seen<Snapshot>> => {
    const { sdk, client } = rds;
    const { DBSnapshots: [raw] = [] } = await ask(rds, `looking at DB snapshot ${identifier}`, () =>
      client.send(new sdk.DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: identifier })),
    );
    const found = toSnapshot(raw ?? {});
    if (found.status === "available") return { done: found };
    if (found.status === "failed" || found.status === "unknown")
      throw new PipelineError({
        code: "RDS_FAILED",
        kind: "failedUnchanged",
        message: `DB snapshot ${identifier} has the status "${found.status}".`,
        state,
        next: `aws rds describe-events --region ${rds.region} --source-type db-snapshot --source-identifier ${identifier} says more; then run the same command.`,
      });
    return {
      status: found.status,
      ...(raw?.PercentProgress === undefined ? {} : { fraction: raw.PercentProgress / 100 }),
    };
  };
  const made = await waitFor(rds, look, { ...waiting, what: `DB snapshot ${identifier}`, late: { state, next } });
  if (made.encrypted) return made;
  throw new PipelineError({
    code: "SNAPSHOT_UNENCRYPTED",
    kind: "failedUnchanged",
    message: `DB snapshot ${identifier} is not encrypted: storage of instance ${rds.instance} is not.`,
    state,
    next: "Keep the data in an instance whose storage is encrypted, as those that this program makes are (docs/aws.md has how to move), or set backup.method to dump.",
  });
}

/** Says of a DB snapshot what it is from now on. */
export async function markSnapshot(
  rds: Rds,
  { identifier, arn }: Pick<Snapshot, "identifier" | "arn">,
  purpose: Purpose,
) {
  const { sdk, client } = rds;
  await ask(rds, `tagging DB snapshot ${identifier}`, () =>
    client.send(new sdk.AddTagsToResourceCommand({ ResourceName: arn, Tags: toTags({ purpose }) })),
  );
}

/** Deletes a DB snapshot; one that is not there is no error. */
export async function deleteSnapshot(rds: Rds, identifier: string): Promise<void> {
  const { sdk, client } = rds;
  await ask(rds, `deleting DB snapshot ${identifier}`, async () => {
    try {
      await client.send(new sdk.DeleteDBSnapshotCommand({ DBSnapshotIdentifier: identifier }));
    } catch (error) {
      if (nameOf(error) !== "DBSnapshotNotFound") throw error;
    }
  });
}

/** Deletes a DB snapshot whose backup failed. As long as RDS makes it, it cannot be; then the next run does. */
export async function discardSnapshot(rds: Rds, identifier: string, log: Logger): Promise<void> {
  // Also of a run that is being stopped.
  await deleteSnapshot({ ...rds, signal: AbortSignal.timeout(60_000) }, identifier).catch((reason: unknown) =>
    log.warn(`DB snapshot ${identifier} could not be removed (${messageOf(reason)}); the next run removes it`),
  );
}

/**
 * Deletes the DB snapshots that a run left behind which was killed, and those that retention could not.
 *
 * @param isOurs whether a backup is there, or being made this moment
 */
export async function sweepSnapshots(
  rds: Rds,
  isOurs: (backup: string) => Promise<boolean>,
  log: Logger,
): Promise<void> {
  for (const { identifier, status, tags } of await listSnapshots(rds)) {
    const { purpose, backup = "" } = tags;
    if (purpose !== "making" && purpose !== "retired") continue;
    if (await isOurs(backup)) continue;
    if (status === "creating") {
      log.info(`DB snapshot ${identifier}, which a stopped run left, is still being made; a later run removes it`);
      continue;
    }
    try {
      await deleteSnapshot(rds, identifier);
      log.info(`removed DB snapshot ${identifier}, which belongs to no backup any more`);
    } catch (error) {
      rds.signal.throwIfAborted();
      log.warn(
        `DB snapshot ${identifier}, which belongs to no backup any more, could not be removed: ${messageOf(error)}`,
      );
    }
  }
}
