import type { DBInstance, RestoreDBInstanceFromDBSnapshotMessage } from "@aws-sdk/client-rds";
import { PipelineError, messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import { type Rds, ask, nameOf } from "./client.js";
import { type Tags, copyPrefix, fromTags, toTags } from "./names.js";
import { type Seen, type Waiting, waitFor } from "./wait.js";

/** An instance as it is looked at here. */
export interface Instance {
  readonly identifier: string;
  readonly arn: string;
  readonly status: string;
  /** Where it is reached, once RDS says it. */
  readonly endpoint: { readonly host: string; readonly port: number } | undefined;
  /** ARN of the secret with its administrator's password, once RDS has made it. */
  readonly secret: string | undefined;
  readonly resourceId: string;
  readonly tags: ReturnType<typeof fromTags>;
  readonly raw: DBInstance;
}

function toInstance(raw: DBInstance): Instance {
  const { Endpoint: endpoint, MasterUserSecret: secret } = raw;
  return {
    identifier: raw.DBInstanceIdentifier ?? "",
    arn: raw.DBInstanceArn ?? "",
    status: raw.DBInstanceStatus ?? "unknown",
    endpoint:
      endpoint?.Address === undefined || endpoint.Port === undefined
        ? undefined
        : { host: endpoint.Address, port: endpoint.Port },
    secret: secret?.SecretStatus === "active" ? secret.SecretArn : undefined,
    resourceId: raw.DbiResourceId ?? "",
    tags: fromTags(raw.TagList),
    raw,
  };
}

/** The instance of that name; `undefined` where there is none. */
export async function findInstance(rds: Rds, identifier: string): Promise<Instance | undefined> {
  const { sdk, client } = rds;
  return ask(rds, `looking at instance ${identifier}`, async () => {
    try {
      const command = new sdk.DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier });
      const { DBInstances: [found] = [] } = await client.send(command);
      return found === undefined ? undefined : toInstance(found);
    } catch (error) {
      if (nameOf(error) === "DBInstanceNotFound") return undefined;
      throw error;
    }
  });
}

/** What an instance may be while a DB snapshot of it is made. */
const ready: readonly string[] = ["available", "storage-optimization"];
/** What it is for some minutes each day, and after each DB snapshot. */
const backingUp = "backing-up";

/**
 * The environment's own instance.
 *
 * @param allowed the states that it may be in, beside ready; default: any
 * @throws PipelineError (`NO_INSTANCE`, `RDS_STATE`, refused) where it is not there, or something else is being done to it.
 */
export async function readOwnInstance(rds: Rds, allowed?: readonly string[]): Promise<Instance> {
  const { instance, environment, region } = rds;
  const found = await findInstance(rds, instance);
  if (found !== undefined && (allowed === undefined || [...ready, ...allowed].includes(found.status))) return found;
  throw new PipelineError({
    code: found === undefined ? "NO_INSTANCE" : "RDS_STATE",
    kind: "refused",
    message:
      found === undefined
        ? `RDS has no instance ${instance} in ${region}, on which "${environment}" is said to be.`
        : `Instance ${instance} is "${found.status}", and RDS makes DB snapshots of one that is available.`,
    state: "Nothing was touched.",
    next:
      found === undefined
        ? `Look at the stack's outputs (npm run outputs -- --stack ${environment}) and at aws rds describe-db-instances --region ${region}; then run the same command. Where the instance is lost: npm run up -- --stack ${environment} with database.restoreFrom makes another one (docs/aws.md).`
        : "Wait until that is done (maintenance and a change each take some minutes), then run the same command.",
  });
}

/** As {@link readOwnInstance}, of an instance that is ready for a DB snapshot, or will be when its own backup is made. */
export function assertSnapshotsPossible(rds: Rds): Promise<Instance> {
  return readOwnInstance(rds, [backingUp]);
}

/** Waits for the end of a backup that RDS makes of the environment's own instance. @throws as {@link readOwnInstance} */
export async function awaitReady(rds: Rds, waiting: Omit<Waiting, "what" | "late">): Promise<void> {
  const look = async (): Promise<Seen<true>> => {
    const { status } = await assertSnapshotsPossible(rds);
    return ready.includes(status) ? { done: true } : { status };
  };
  const what = `instance ${rds.instance}, of which RDS makes another backup`;
  const late = { state: "Nothing was touched.", next: "Run the same command once that is done." };
  await waitFor(rds, look, { ...waiting, what, late });
}

export interface LikeOptions {
  /** Empty: that of the original. */
  readonly instanceClass: string;
  /** Name of its parameter group. */
  readonly parameters: string;
  readonly tags: Tags;
  /** How many days RDS keeps backups of it. */
  readonly backupDays: number;
}

/**
 * Of an instance that is restored from another: reached by the same as that one, by nobody else; in one zone; with nothing of it kept
 * where it is deleted, and a password of its own in a secret of RDS's.
 */
export function likeOriginal({ raw }: Instance, { instanceClass, parameters, tags, backupDays }: LikeOptions) {
  return {
    DBInstanceClass: instanceClass === "" ? raw.DBInstanceClass : instanceClass,
    DBSubnetGroupName: raw.DBSubnetGroup?.DBSubnetGroupName,
    VpcSecurityGroupIds: (raw.VpcSecurityGroups ?? []).flatMap(({ VpcSecurityGroupId: id }) => id ?? []),
    DBParameterGroupName: parameters,
    PubliclyAccessible: raw.PubliclyAccessible === true,
    MultiAZ: false,
    DeletionProtection: false,
    AutoMinorVersionUpgrade: false,
    CopyTagsToSnapshot: false,
    ManageMasterUserPassword: true,
    BackupRetentionPeriod: backupDays,
    ...(raw.CACertificateIdentifier === undefined ? {} : { CACertificateIdentifier: raw.CACertificateIdentifier }),
    Tags: toTags(tags),
  } satisfies Partial<RestoreDBInstanceFromDBSnapshotMessage>;
}

export type Like = ReturnType<typeof likeOriginal>;

/** Has RDS begin an instance from a DB snapshot. */
export async function beginFromSnapshot(rds: Rds, identifier: string, snapshot: string, like: Like): Promise<void> {
  const { sdk, client } = rds;
  const asked = { DBInstanceIdentifier: identifier, DBSnapshotIdentifier: snapshot, ...like };
  await ask(rds, `restoring DB snapshot ${snapshot} as instance ${identifier}`, () =>
    client.send(new sdk.RestoreDBInstanceFromDBSnapshotCommand(asked)),
  );
}

/** Has RDS begin an instance as the environment's own was at a moment. */
export async function beginAtMoment(rds: Rds, identifier: string, at: Date, like: Like): Promise<void> {
  const { sdk, client, instance } = rds;
  const asked = {
    SourceDBInstanceIdentifier: instance,
    TargetDBInstanceIdentifier: identifier,
    RestoreTime: at,
    ...like,
  };
  await ask(rds, `restoring instance ${instance} as it was at ${at.toISOString()}, as instance ${identifier}`, () =>
    client.send(new sdk.RestoreDBInstanceToPointInTimeCommand(asked)),
  );
}

/** An instance that can be connected to. */
export type Reached = Instance & { readonly endpoint: NonNullable<Instance["endpoint"]>; readonly secret: string };

/**
 * Waits until an instance that was begun can be connected to.
 *
 * @throws PipelineError (`RDS_FAILED`, `RDS_LATE`, failedUnchanged) where it never can be.
 */
export async function completeInstance(rds: Rds, identifier: string, waiting: Omit<Waiting, "what">): Promise<Reached> {
  const look = async (): Promise<Seen<Reached>> => {
    const found = await findInstance(rds, identifier);
    const status = found?.status ?? "not there";
    if (found === undefined || broken.test(status))
      throw new PipelineError({
        code: "RDS_FAILED",
        kind: "failedUnchanged",
        message: `Instance ${identifier} has the status "${status}".`,
        state: waiting.late.state,
        next: `aws rds describe-events --region ${rds.region} --source-type db-instance --source-identifier ${identifier} says more. Where it is still there, delete it (aws rds delete-db-instance --region ${rds.region} --db-instance-identifier ${identifier} --skip-final-snapshot); then run the same command.`,
      });
    const { endpoint, secret } = found;
    if (status !== "available") return { status };
    if (endpoint === undefined || secret === undefined) return { status: "available, its password is being made" };
    return { done: { ...found, endpoint, secret } };
  };
  return waitFor(rds, look, { ...waiting, what: `instance ${identifier}` });
}

const broken = /^(not there|failed|deleting|incompatible-|inaccessible-|restore-error|storage-full)/;

/** Deletes an instance, and all that RDS keeps of it; one that is not there, or is being deleted, is no error. */
export async function deleteInstance(rds: Rds, identifier: string): Promise<void> {
  const { sdk, client } = rds;
  await ask(rds, `deleting instance ${identifier}`, async () => {
    try {
      await client.send(
        new sdk.DeleteDBInstanceCommand({
          DBInstanceIdentifier: identifier,
          SkipFinalSnapshot: true,
          DeleteAutomatedBackups: true,
        }),
      );
    } catch (error) {
      if (nameOf(error) === "DBInstanceNotFound") return;
      if (nameOf(error) === "InvalidDBInstanceState" && /deleting|deleted/.test(messageOf(error))) return;
      throw error;
    }
  });
}

/** Deletes the copies that rehearsals left behind which were killed. Call it where no other rehearsal of this database can run. */
export async function sweepCopies(rds: Rds, log: Logger): Promise<void> {
  const { sdk, client, environment, instance } = rds;
  const found = await ask(rds, "listing instances", async () => {
    const all: Instance[] = [];
    for await (const { DBInstances: page = [] } of sdk.paginateDescribeDBInstances({ client }, {}))
      all.push(...page.map(toInstance));
    return all;
  });
  for (const { identifier, status, tags } of found) {
    const left =
      identifier.startsWith(copyPrefix(environment)) &&
      tags.environment === environment &&
      tags.instance === instance &&
      tags.purpose === "rehearsal";
    if (!left || status === "deleting") continue;
    await discardCopy(rds, identifier, log);
  }
}

/** Deletes a copy; where that cannot be done yet, it is said, and the next run does it. */
export async function discardCopy(rds: Rds, identifier: string, log: Logger): Promise<void> {
  try {
    // Also of a run that is being stopped.
    await deleteInstance({ ...rds, signal: AbortSignal.timeout(60_000) }, identifier);
    log.info(`instance ${identifier}, the copy, is being deleted`);
  } catch (error) {
    log.warn(
      `instance ${identifier}, a copy that costs as long as it is there, could not be deleted (${messageOf(error)}); the next run does it, or: aws rds delete-db-instance --region ${rds.region} --db-instance-identifier ${identifier} --skip-final-snapshot`,
    );
  }
}
