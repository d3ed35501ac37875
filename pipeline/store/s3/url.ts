import { PipelineError } from "../../errors.js";

/** Where a store in S3 is: `s3://bucket/prefix?region=eu-west-1`. */
export interface S3Location {
  readonly bucket: string;
  /** Before every key, without `/` at either end; empty: none. */
  readonly prefix: string;
  /** Region of the bucket; absent: as the default of the SDK says (`AWS_REGION`, the profile, the instance). */
  readonly region?: string;
  /** Another S3 API than Amazon's, e.g. `https://minio.example:9000`. */
  readonly endpoint?: string;
  /** Absolute path of the folder in which dumps are kept on their way; see `halfway.ts`. */
  readonly staging?: string;
}

const parameters = ["region", "endpoint", "staging"] as const;

/**
 * Takes the URL of a store in S3 apart.
 *
 * @throws PipelineError naming what is wrong with it. Credentials in it are refused: the URL is in requests, state and logs.
 */
export function parseS3Url(text: string): S3Location {
  const url = parse(text);
  if (url.username !== "" || url.password !== "")
    throw wrong(
      text.replace(/\/\/[^@]*@/, "//…@"),
      "it holds credentials, which are taken from the default chain of the AWS SDK only",
    );
  // Amazon's rules for the names of general purpose buckets.
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname))
    throw wrong(text, `"${url.hostname}" is no name of a bucket (3 to 63 lower-case letters, digits, . and -)`);
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, "");
  if (prefix.split("/").some((part) => part === "." || part === "..") || prefix.includes("//"))
    throw wrong(text, `its prefix "${prefix}" has an empty name, . or .. in it`);
  for (const name of url.searchParams.keys())
    if (!parameters.some((known) => known === name))
      throw wrong(text, `it has the unknown parameter "${name}" (known: ${parameters.join(", ")})`);
  const { region, endpoint, staging } = Object.fromEntries(url.searchParams) as Partial<
    Record<(typeof parameters)[number], string>
  >;
  if (region !== undefined && !/^[a-z0-9-]+$/.test(region)) throw wrong(text, `"${region}" is no region`);
  if (endpoint !== undefined && !/^https?:\/\/[^/?#@]+\/?$/.test(endpoint))
    throw wrong(text, `the endpoint "${endpoint}" is no http(s)://host:port`);
  if (staging !== undefined && !staging.startsWith("/")) throw wrong(text, `staging must be an absolute path`);
  return { bucket: url.hostname, prefix, region, endpoint, staging };
}

function parse(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw wrong(text, "it is no URL");
  }
}

function wrong(text: string, reason: string): PipelineError {
  return new PipelineError({
    code: "STORE_URL",
    kind: "usage",
    message: `The store's URL ${text} is wrong: ${reason}.`,
    state: "Nothing was touched.",
    next: "Mend it in the configuration (s3://bucket/prefix?region=…), then run the same command.",
  });
}
