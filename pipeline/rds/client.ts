import type { RDSClient } from "@aws-sdk/client-rds";
import { loadAws } from "../awsSdk.js";
import type { Database } from "../contracts/database.js";
import { PipelineError, messageOf } from "../errors.js";

export type Sdk = typeof import("@aws-sdk/client-rds");

/** RDS of a region, as an environment's stages ask it. */
export interface Rds {
  readonly sdk: Sdk;
  readonly client: RDSClient;
  readonly environment: string;
  /** The environment's own instance. */
  readonly instance: string;
  readonly region: string;
  readonly signal: AbortSignal;
}

export type RdsPlace = NonNullable<Database["rds"]>;

/** How often a request is sent again that RDS is too busy for, or that got lost. */
const attempts = 5;

/** Works with RDS, with the credentials that the AWS SDK finds. */
export async function withRds<T>(
  { instance, region }: Pick<RdsPlace, "instance" | "region">,
  environment: string,
  signal: AbortSignal,
  work: (rds: Rds) => Promise<T>,
): Promise<T> {
  const sdk = await loadAws(() => import("@aws-sdk/client-rds"));
  const client = new sdk.RDSClient({
    region,
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 30_000 },
  });
  try {
    return await work({ sdk, client, environment, instance, region, signal });
  } finally {
    client.destroy();
  }
}

/**
 * Where RDS has the database of an environment.
 *
 * @throws PipelineError (`NO_RDS`, refused) where it is on no instance of the stack's own.
 */
export function rdsOf(environment: string, { rds }: Pick<Database, "rds">): RdsPlace {
  if (rds !== undefined) return rds;
  throw new PipelineError({
    code: "NO_RDS",
    kind: "refused",
    message: `DB snapshots are made of the instance of RDS that a stack has, and that of "${environment}" is not known to be on one.`,
    state: "Nothing was touched.",
    next: `On a stack of kind rds: npm run up -- --stack ${environment}, which tells its stages. On any other, set backup.method to dump.`,
  });
}

/** What an error of the SDK is called at RDS; some with, some without `Fault` at the end. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name.replace(/Fault$/, "") : "";
}

/** Whether asking again later may do: too many requests, a request that got lost, a failure inside RDS. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, code } = error as Error & { $metadata?: { httpStatusCode?: number }; code?: string };
  const network = /^(ECONN|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH)/.test(code ?? "");
  return network || isThrottled(error) || ($metadata?.httpStatusCode ?? 0) >= 500 || nameOf(error) === "TimeoutError";
}

function isThrottled(error: unknown): boolean {
  return /Throttl|RequestLimitExceeded|TooManyRequests|SlowDown/.test(nameOf(error));
}

/**
 * One request to RDS.
 *
 * @param what what it does, as a clause: `making DB snapshot x`
 * @throws PipelineError (failedUnchanged) with the reason and its remedy; nothing of what is asked here changes a database that is there.
 */
export async function ask<T>(rds: Rds, what: string, request: () => Promise<T>): Promise<T> {
  rds.signal.throwIfAborted();
  try {
    return await request();
  } catch (error) {
    rds.signal.throwIfAborted();
    throw explain(rds, what, error);
  }
}

/** The failure of a request in words. */
export function explain({ environment, region, instance }: Rds, what: string, cause: unknown): PipelineError {
  const { code, next } = kindOf(cause, environment, region);
  const said = `${cause instanceof Error ? cause.name : "unknown"}: ${messageOf(cause)}`;
  return new PipelineError(
    {
      code,
      kind: "failedUnchanged",
      message: `RDS refused ${what} (${said}).`,
      state: `The database was not changed, and instance ${instance} is as it was.`,
      next: `${next}; then run the same command.`,
    },
    { cause },
  );
}

function kindOf(error: unknown, environment: string, region: string): { code: string; next: string } {
  const name = nameOf(error);
  const quota = (which: string) =>
    `have the quota raised (Service Quotas, Amazon RDS, "${which}", in ${region}), or delete what nobody needs`;
  if (/AccessDenied|Unauthorized|NotAuthorized/.test(name))
    return {
      code: "RDS_DENIED",
      next: `the role that this runs as lacks what the message names: npm run up -- --stack ${environment} gives it to the stack's own host (docs/aws.md); elsewhere it is yours to give`,
    };
  if (/Credentials|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch/.test(name))
    return { code: "RDS_CREDENTIALS", next: "let the AWS SDK find credentials of the stack's account" };
  if (name === "SnapshotQuotaExceeded")
    return {
      code: "RDS_QUOTA",
      next: `${quota("Manual DB instance snapshots")} (aws rds describe-db-snapshots --region ${region} --snapshot-type manual), or keep fewer backups (backup.keep)`,
    };
  if (name === "InstanceQuotaExceeded")
    return {
      code: "RDS_QUOTA",
      next: `${quota("DB instances")} (aws rds describe-db-instances --region ${region})`,
    };
  if (name === "StorageQuotaExceeded") return { code: "RDS_QUOTA", next: quota("Total storage for all DB instances") };
  if (name === "InsufficientDBInstanceCapacity")
    return { code: "RDS_CAPACITY", next: "choose another class (rehearse.instanceClass), or another hour" };
  if (/^InvalidDB(Instance|Snapshot)State$/.test(name))
    return {
      code: "RDS_STATE",
      next: `wait until nothing else is done to it (aws rds describe-db-instances --region ${region} shows the status; maintenance, a backup and a change of its class each take some minutes)`,
    };
  if (isThrottled(error))
    return { code: "RDS_THROTTLED", next: "wait a minute: others in this account ask RDS as well" };
  return { code: "RDS_FAILED", next: "mend that" };
}
