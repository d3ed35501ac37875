import type { RefreshRequest } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { npmRun } from "../npmRun.js";
import type { ListedBackup } from "../store/listBackups.js";
import { isDump } from "../store/manifest.js";
import { openStore } from "../store/open.js";
import { type Proof, newestProved } from "../store/proof.js";
import { hoursSince } from "../store/provedAge.js";
import type { Store } from "../store/store.js";

/** A backup that was proved by a restore, and the store that it is in. */
export interface SourceBackup {
  readonly store: Store;
  readonly backup: ListedBackup;
  readonly proof: Proof;
}

/**
 * The newest proved backup of the environment that another one is refreshed from. One that is no dump can only come back where its
 * server's archive can be read, which is on its own host.
 *
 * @throws PipelineError (`refused`) where its store cannot be read, none of its backups was ever proved, or the newest proved one
 * is too old.
 */
export async function readSource(request: RefreshRequest, now = new Date()): Promise<SourceBackup> {
  const { source, maxAgeHours } = request;
  const store = openStore(source.store);
  const found = await newestProved(store, source.environment, ({ manifest }) => isDump(manifest)).catch(
    (error: unknown) => {
      throw unreadable(request, error);
    },
  );
  if (found === undefined) throw unproved(request);
  const { id, created } = found.backup;
  if (now.getTime() - Date.parse(created) > maxAgeHours * 3_600_000)
    throw tooOld(request, id, hoursSince(created, now));
  return { store, ...found };
}

/** @throws PipelineError (`refused`) where data would go the wrong way. */
export function assertDirection({ environment, source }: RefreshRequest): void {
  if (environment !== "prod" && environment !== source.environment) return;
  throw new PipelineError({
    code: "REFRESH_TARGET",
    kind: "refused",
    message:
      environment === "prod"
        ? `"prod" is never refreshed: its data is the original.`
        : `"${environment}" cannot be refreshed from itself.`,
    state: "Nothing was touched.",
    next: `A backup of its own is brought back with: ${npmRun(environment, "db:restore")}`,
  });
}

function unreadable({ environment, source }: RefreshRequest, cause: unknown): PipelineError {
  const said = cause instanceof PipelineError ? cause.message : messageOf(cause);
  return new PipelineError(
    {
      code: "SOURCE_STORE",
      kind: "refused",
      message: `The backups of "${source.environment}" cannot be read in ${source.store}: ${said}`,
      state: "Nothing was touched.",
      next: `Where access is denied: set refresh.from to "${source.environment}" in Pulumi.${environment}.yaml and run npm run up -- --stack ${environment}, which lets its host read them; then run the same command.`,
    },
    { cause },
  );
}

function unproved({ source }: RefreshRequest): PipelineError {
  return new PipelineError({
    code: "SOURCE_UNPROVED",
    kind: "refused",
    message: `No dump of "${source.environment}" in ${source.store} was ever proved by a restore.`,
    state: "Nothing was touched.",
    next: `Run the pipeline there, which makes and proves one: npm run up -- --stack ${source.environment}${orByHand(source.environment)}; then run the same command.`,
  });
}

/** A checkpoint is a dump in any case. */
function orByHand(environment: string): string {
  const make = npmRun(environment, "db:checkpoint", "--name", "refresh");
  const prove = npmRun(environment, "db:restore:checkpoint", "--name", "refresh", "--into", "proof");
  return ` (where its backup.method is not dump: ${make}; ${prove}; then DROP DATABASE "proof" there)`;
}

function tooOld({ source, maxAgeHours }: RefreshRequest, id: string, age: number): PipelineError {
  return new PipelineError({
    code: "SOURCE_OLD",
    kind: "refused",
    message: `The newest proved backup of "${source.environment}" is ${id}, made ${age} hours ago; refresh.maxAgeHours allows ${maxAgeHours}.`,
    state: "Nothing was touched.",
    next: `Make and prove a newer one: npm run up -- --stack ${source.environment}${orByHand(source.environment)}; or raise refresh.maxAgeHours; then run the same command.`,
  });
}
