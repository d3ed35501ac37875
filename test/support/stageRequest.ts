import { type Database, type Project, type StageRequest, stageRequest } from "../../pipeline/contracts.js";

/** Where the stages of a test work. */
export interface TestPlace {
  readonly database: Database;
  readonly project: Pick<Project, "schema" | "migrations">;
  readonly store: { readonly url: string };
}

/** What is asked of a stage: in environment `local` and with the defaults of every setting, but for what the test is about. */
export function requestOf(
  { database, project: { schema, migrations }, store }: TestPlace,
  {
    run = "run",
    environment = "local",
    settings = {},
  }: { readonly run?: string; readonly environment?: string; readonly settings?: object } = {},
): StageRequest {
  return stageRequest.parse({
    environment,
    run,
    database,
    project: { schema, migrations },
    store: store.url,
    settings: { backup: {}, preflight: {}, migrate: {}, ...settings },
  });
}
