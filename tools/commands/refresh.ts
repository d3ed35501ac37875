import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import type { RefreshRequest, StageRequest } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";
import type { RunNamed } from "./runNamed.js";
import { type Target, readTarget, storeOf } from "./target.js";
import { type TargetPlace, placeOf } from "./there/place.js";

export interface RefreshFlags {
  /** Why the data is left as it is. */
  readonly withoutAnonymising?: string;
}

/**
 * `npm run staging:refresh`: the data of another environment's newest proved backup, anonymised, in the place of an environment's own.
 *
 * @throws PipelineError where the configuration names none, its host may not read those backups, or there is no file that anonymises.
 */
export async function refresh(
  target: Target,
  flags: RefreshFlags,
  request: StageRequest,
  run: RunNamed,
  place: Pick<TargetPlace, "refreshFrom">,
): Promise<unknown> {
  const { maxAgeHours } = target.config.refresh;
  const anonymise = await howToAnonymise(target, flags);
  const source = await sourceOf(target, place);
  const asked: RefreshRequest = { ...request, source, anonymise, maxAgeHours };
  return run("refresh", asked);
}

async function howToAnonymise({ environment, paths }: Target, { withoutAnonymising: reason }: RefreshFlags) {
  if (reason !== undefined) {
    if (reason.trim() !== "") return { notBecause: reason };
    throw refused("USAGE", "--without-anonymising needs a reason, which is recorded.", [again(environment)]);
  }
  const file = relative(paths.root, paths.anonymise);
  try {
    return { file, sql: await readFile(paths.anonymise, "utf8") };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw refused("NO_ANONYMISE_FILE", `The file that anonymises the data, ${file}, cannot be read (${why}).`, [
      `write it (docs/refresh.md tells how; refresh.anonymise names another one)`,
      `or, where people's data may be in "${environment}": ${again(environment)}`,
    ]);
  }
}

async function sourceOf({ environment, config }: Target, { refreshFrom }: Pick<TargetPlace, "refreshFrom">) {
  const { from } = config.refresh;
  const configure = `pulumi config set --path refresh.from prod --stack ${environment}`;
  const up = `npm run up -- --stack ${environment}`;
  if (from === "") {
    throw refused("NO_REFRESH_FROM", `No stack is named that "${environment}" may be refreshed from (refresh.from).`, [
      configure,
      ...(config.database.kind === "local" ? [] : [`${up}, which lets its host read those backups`]),
    ]);
  }
  if (config.database.kind !== "local") {
    if (refreshFrom?.environment === from) return refreshFrom;
    throw refused(
      "NO_REFRESH_ACCESS",
      `refresh.from names "${from}", and the last update of "${environment}" was without it: its host may not read those backups.`,
      [up],
    );
  }
  const source = readTarget(from);
  const store = source.paths.folderUrl === undefined ? (await placeOf(source)).store : storeOf(source);
  return { environment: from, store };
}

function again(environment: string): string {
  const flag = `--without-anonymising "WHY"`;
  return environment === "staging" ? `npm run staging:refresh -- ${flag}` : npmRun(environment, "db", "refresh", flag);
}

function refused(code: string, message: string, ways: readonly string[]): PipelineError {
  return new PipelineError({
    code,
    kind: "refused",
    message,
    state: "Nothing was touched.",
    next: `${ways.join("; ")}; then run the same command.`,
  });
}
