import type { S3Client } from "@aws-sdk/client-s3";
import { loadAws } from "../../awsSdk.js";
import type { S3Location } from "./url.js";

type Sdk = typeof import("@aws-sdk/client-s3");

/** A client with the SDK it is made of, and the bucket that all is about. */
export interface Bucket {
  readonly sdk: Sdk;
  readonly client: S3Client;
  readonly name: string;
}

/** How long a connection may take to be made, and may then be silent, in milliseconds. */
const connectionTimeout = 10_000;
const silenceTimeout = 30_000;
/** How often the SDK tries a request, with growing pauses; longer outages are sat out by {@link ./patience.ts}. */
const maxAttempts = 4;

/**
 * The client, made when it is first asked for. Credentials come from the SDK's default chain and from nowhere else.
 */
export function lazyBucket(location: S3Location): () => Promise<Bucket> {
  let made: Promise<Bucket> | undefined;
  return () => (made ??= make(location));
}

async function make({ bucket, region, endpoint }: S3Location): Promise<Bucket> {
  const sdk = await loadAws(() => import("@aws-sdk/client-s3"));
  const client = new sdk.S3Client({
    ...(region === undefined ? {} : { region }),
    // Other S3 APIs seldom have a name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts,
    requestHandler: { connectionTimeout, socketTimeout: silenceTimeout },
    requestChecksumCalculation: "WHEN_SUPPORTED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return { sdk, client, name: bucket };
}
