import { PipelineError, messageOf } from "../../errors.js";
import { passes } from "./patience.js";
import type { S3Location } from "./url.js";

interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  readonly Region?: string;
}

/** Whether S3 answered that the object is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.name === "NoSuchKey" || error.name === "NotFound");
}

/** Whether a condition of the request (`If-None-Match`, `If-Match`) did not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, $metadata: metadata } = error as ServiceError;
  return name === "PreconditionFailed" || name === "ConditionalRequestConflict" || metadata?.httpStatusCode === 412;
}

/** Says in words what S3 or the way to it answered. */
export function explainS3(error: unknown, location: S3Location): unknown {
  if (!(error instanceof Error) || error instanceof PipelineError || error.name === "AbortError") return error;
  const place = `s3://${location.bucket}${location.prefix === "" ? "" : `/${location.prefix}`}`;
  const known = explanation(error, location);
  if (known === undefined) return error;
  return new PipelineError(
    {
      code: known.code,
      kind: "failedUnchanged",
      message: `The backup store ${place} cannot be used: ${known.reason}.`,
      state:
        "The database was not changed. A backup that was not finished is not taken for one; complete backups are untouched.",
      next: `${known.remedy}, then run the same command.`,
    },
    { cause: error },
  );
}

interface Explanation {
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
}

function explanation(error: ServiceError, location: S3Location): Explanation | undefined {
  const region = error.Region ?? error.$response?.headers?.["x-amz-bucket-region"];
  const status = error.$metadata?.httpStatusCode;
  if (error.name === "NoSuchBucket")
    return {
      code: "S3_NO_BUCKET",
      reason: `there is no bucket "${location.bucket}" (it is never made silently)`,
      remedy: "Mend the bucket's name in the configuration, or bring the stack up, which makes it",
    };
  if (status === 301 || status === 307 || ["PermanentRedirect", "AuthorizationHeaderMalformed"].includes(error.name))
    return {
      code: "S3_REGION",
      reason: `the bucket is not in ${location.region ?? "the region that the SDK takes by default"}${region === undefined ? "" : ` but in ${region}`}`,
      remedy: `Set region=${region ?? "…"} in the store's URL`,
    };
  if (/CredentialsProviderError|TokenProviderError/.test(error.name))
    return {
      code: "S3_CREDENTIALS",
      reason: `no credentials were found (${messageOf(error)})`,
      remedy: "Log in (aws sso login, AWS_PROFILE), or give the host an instance profile",
    };
  if (/Region is missing/.test(error.message))
    return {
      code: "S3_REGION",
      reason: "no region is set",
      remedy: "Add region=… to the store's URL, or set AWS_REGION",
    };
  if (/^(ExpiredToken|InvalidAccessKeyId|SignatureDoesNotMatch|RequestTimeTooSkewed|InvalidToken)/.test(error.name))
    return {
      code: "S3_CREDENTIALS",
      reason: `the credentials were refused (${error.name}: ${messageOf(error)})`,
      remedy: error.name === "RequestTimeTooSkewed" ? "Set this machine's clock" : "Log in again",
    };
  if (status === 403 || error.name === "AccessDenied")
    return {
      code: "S3_DENIED",
      reason: `access was denied (${messageOf(error)})`,
      remedy: "Let the role of whoever runs this read, write and list below that prefix (and use the bucket's key)",
    };
  if ((error as NodeJS.ErrnoException).code === "ENOTFOUND")
    return {
      code: "S3_UNREACHABLE",
      reason: `its address is not known (${messageOf(error)})`,
      remedy: "Mend the region or the endpoint in the store's URL, or the network's name service",
    };
  if (passes(error))
    return {
      code: "S3_UNREACHABLE",
      reason: `it did not answer as it should, and went on so when tried again (${error.name}: ${messageOf(error)})`,
      remedy: "Mend the network, or wait until S3 is well again",
    };
  if (status !== undefined)
    return {
      code: "S3",
      reason: `it answered ${status} ${error.name}: ${messageOf(error)}`,
      remedy: "Mend that",
    };
  return undefined;
}
