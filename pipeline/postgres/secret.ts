import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { z } from "zod";
import { loadAws } from "../awsSdk.js";
import { PipelineError, messageOf } from "../errors.js";
import { parseJson } from "../json.js";

/** Secrets that this process has read, so that one stage does not ask for each of its connections. */
const known = new Map<string, { readonly at: number; readonly value: Promise<string> }>();
/** How long one is used before it is asked for again (RDS changes its own every week), in milliseconds. */
const freshMs = 60_000;

/**
 * The password in a secret of AWS Secrets Manager: its text, or the field `password` of its JSON, as RDS writes it.
 *
 * @throws PipelineError (`NO_PASSWORD`) saying why it cannot be had; never with any part of the secret.
 */
export async function readSecret(arn: string): Promise<string> {
  const cached = known.get(arn);
  if (cached !== undefined && Date.now() - cached.at < freshMs) return cached.value;
  const value = fetchSecret(arn);
  known.set(arn, { at: Date.now(), value });
  try {
    return await value;
  } catch (error) {
    known.delete(arn);
    throw error;
  }
}

async function fetchSecret(arn: string): Promise<string> {
  try {
    const text = await withSecrets(arn, async ({ sdk, client }) => {
      const { SecretString: found } = await client.send(new sdk.GetSecretValueCommand({ SecretId: arn }));
      return found;
    });
    if (text === undefined || text === "") throw noPassword(`the secret ${arn} is empty`);
    return passwordIn(text, arn);
  } catch (error) {
    throw unreadable(arn, error);
  }
}

/** Whether a secret has a value yet. @throws PipelineError where that cannot be told. */
export async function hasSecretValue(arn: string): Promise<boolean> {
  try {
    return await withSecrets(arn, async ({ sdk, client }) => {
      const { VersionIdsToStages: stages = {} } = await client.send(new sdk.DescribeSecretCommand({ SecretId: arn }));
      return Object.values(stages).some((labels) => labels.includes("AWSCURRENT"));
    });
  } catch (error) {
    throw unreadable(arn, error);
  }
}

/** Sets a secret's value. @throws PipelineError where it cannot be written. */
export async function putSecret(arn: string, value: string): Promise<void> {
  try {
    await withSecrets(arn, ({ sdk, client }) =>
      client.send(new sdk.PutSecretValueCommand({ SecretId: arn, SecretString: value })),
    );
    known.delete(arn);
  } catch (error) {
    throw new PipelineError(
      {
        code: "SECRET_WRITE",
        kind: "failedChanged",
        message: `The application's password could not be written to the secret ${arn} (${nameOf(error)}: ${messageOf(error)}).`,
        state: "The application's role has a password that nobody knows; its data was not touched.",
        next: "Let the role of whoever runs this write the secret (secretsmanager:PutSecretValue), then run the same command.",
      },
      { cause: error },
    );
  }
}

type Sdk = typeof import("@aws-sdk/client-secrets-manager");

async function withSecrets<T>(
  arn: string,
  work: (aws: { sdk: Sdk; client: SecretsManagerClient }) => Promise<T>,
): Promise<T> {
  const sdk = await loadAws(() => import("@aws-sdk/client-secrets-manager"));
  const client = new sdk.SecretsManagerClient({
    region: arn.split(":")[3] ?? "",
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 15_000 },
  });
  try {
    return await work({ sdk, client });
  } finally {
    client.destroy();
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}

function unreadable(arn: string, error: unknown): PipelineError {
  if (error instanceof PipelineError) return error;
  return noPassword(`the secret ${arn} cannot be read (${nameOf(error)}: ${messageOf(error)})`, error);
}

/** @throws PipelineError where it is JSON without a password. */
function passwordIn(text: string, arn: string): string {
  if (!text.startsWith("{")) return text;
  const parsed = z.object({ password: z.string().min(1) }).safeParse(parseJson(text));
  if (!parsed.success) throw noPassword(`the secret ${arn} is JSON without a field "password"`);
  return parsed.data.password;
}

/** There is no password where it should be. */
export function noPassword(
  reason: string,
  cause?: unknown,
  next = "Put it there, then run the same command.",
): PipelineError {
  return new PipelineError(
    {
      code: "NO_PASSWORD",
      kind: "refused",
      message: `No password for the database: ${reason}.`,
      state: "Nothing was touched: there was no connection.",
      next,
    },
    { cause },
  );
}
