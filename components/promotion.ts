import * as pulumi from "@pulumi/pulumi";
import type { MigrationRef } from "../pipeline/contracts.js";
import { PipelineError } from "../pipeline/errors.js";
import { beforePromotionVariable } from "./beforePromotion.js";
import { readRunOf } from "./stackReference.js";

/** A migration that the stack before has not proved as it is here. */
export interface Unpromoted {
  readonly name: string;
  readonly reason: "absent" | "other version";
}

/** Which of the pending migrations the stack before did not verify with the same checksum. */
export function unpromoted(pending: readonly MigrationRef[], proved: readonly MigrationRef[]): Unpromoted[] {
  const known = new Map(proved.map(({ name, checksum }) => [name, checksum]));
  return pending
    .filter(({ name, checksum }) => known.get(name) !== checksum)
    .map(({ name }) => ({ name, reason: known.has(name) ? "other version" : "absent" }));
}

/**
 * Whether what is not promoted is told and not refused: in a preview that asks for it, as on a pull request, whose migrations no
 * stack can have proved yet. An update refuses, whatever is asked.
 */
function isBeforePromotion(): boolean {
  return pulumi.runtime.isDryRun() && (process.env[beforePromotionVariable] ?? "") !== "";
}

/**
 * Refuses pending migrations that the stack before did not verify; touches no database, so a preview refuses as an update does.
 *
 * @param from name of the stack before; empty: none is asked.
 * @throws PipelineError (`NOT_PROMOTED`, `NO_PROMOTION`) naming them.
 */
export async function assertPromoted(
  environment: string,
  from: string,
  pending: readonly MigrationRef[],
): Promise<void> {
  const refusal = await refusalOf(environment, from, pending);
  if (refusal === undefined) return;
  if (!isBeforePromotion()) throw refusal;
  await pulumi.log.warn(`Before its promotion: ${refusal.message}\nAn update is refused until then.`);
}

async function refusalOf(
  environment: string,
  from: string,
  pending: readonly MigrationRef[],
): Promise<PipelineError | undefined> {
  if (from === "") return undefined;
  // The engine itself says of a stack that is not there no more than that it is unknown.
  await pulumi.log.info(
    `Asking the stack "${from}" which migrations it has proved (promotion.from). If there is no such stack yet, bring it up first: npm run up -- --stack ${from}`,
  );
  const last = await readRunOf("promotion", from);
  if (last === undefined) return nothingProved(environment, from);
  const refused = unpromoted(pending, last.migrations);
  return refused.length === 0 ? undefined : notPromoted(environment, from, refused);
}

function nothingProved(environment: string, from: string): PipelineError {
  return new PipelineError({
    code: "NO_PROMOTION",
    kind: "refused",
    message: `"${environment}" takes only migrations that "${from}" has proved, and the stack "${from}" records no verified run.`,
    state: "Nothing was touched.",
    next: `Bring it up first: npm run up -- --stack ${from}`,
  });
}

function notPromoted(environment: string, from: string, refused: readonly Unpromoted[]): PipelineError {
  const lines = refused.map(({ name, reason }) =>
    reason === "absent"
      ? `  ${name}: ${from} has not verified it`
      : `  ${name}: ${from} verified another version of the file`,
  );
  return new PipelineError({
    code: "NOT_PROMOTED",
    kind: "refused",
    message: `"${environment}" takes only migrations that "${from}" has proved; these are not:\n${lines.join("\n")}`,
    state: "Nothing was touched.",
    next: `Prove them there first: npm run up -- --stack ${from}; then run the same command.`,
  });
}
