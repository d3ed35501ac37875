import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Config } from "../config.js";
import { PipelineError } from "../pipeline/errors.js";
import type { StoreAccess } from "./aws/policies.js";
import { stackReference } from "./stackReference.js";

/** Whose backups an environment may be refreshed from. */
export interface RefreshSource {
  readonly environment: string;
  /** URL of its store. */
  readonly store: string;
  /** What a role needs to be let read it; absent where the store is not in S3. */
  readonly access?: StoreAccess;
}

const outputs = z.object({
  store: z.string(),
  storeAccess: z.object({ bucketArn: z.string(), keyArn: z.string(), prefix: z.string() }).optional(),
});

/**
 * Asks the stack that an environment is refreshed from (`refresh.from`) where its backups are. A local environment, which needs
 * nobody's leave to read them, is not kept waiting for that stack.
 *
 * @returns `undefined` where it is not refreshed from any.
 * @throws PipelineError (`NO_REFRESH_SOURCE`) where that stack has no store yet.
 */
export async function readRefreshSource(
  environment: string,
  { database, refresh: { from } }: Pick<Config, "database" | "refresh">,
): Promise<RefreshSource | undefined> {
  if (from === "" || database.kind === "local") return undefined;
  // The engine itself says of a stack that is not there no more than that it is unknown.
  await pulumi.log.info(
    `Asking the stack "${from}" where its backups are (refresh.from). If there is no such stack yet, bring it up first, or leave refresh.from out until then: npm run up -- --stack ${from}`,
  );
  const stack = stackReference("refresh-from", from);
  const [store, storeAccess] = await Promise.all([
    stack.getOutputDetails("store"),
    stack.getOutputDetails("storeAccess"),
  ]);
  const parsed = outputs.safeParse({ store: store.value as unknown, storeAccess: storeAccess.value as unknown });
  if (!parsed.success) throw noSource(environment, from);
  const { data } = parsed;
  return {
    environment: from,
    store: data.store,
    ...(data.storeAccess === undefined ? {} : { access: data.storeAccess }),
  };
}

function noSource(environment: string, from: string): PipelineError {
  return new PipelineError({
    code: "NO_REFRESH_SOURCE",
    kind: "refused",
    message: `"${environment}" is to be refreshed from "${from}" (refresh.from), and the stack "${from}" does not say where its backups are.`,
    state: "Nothing was touched.",
    next: `Bring it up with this version: npm run up -- --stack ${from}; then run the same command.`,
  });
}
