import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { type StageRequest, settingsSchema } from "../../pipeline/contracts.js";
import { type Measured, measure } from "../measure.js";
import type { SampleDatabase } from "../sample.js";

export type Project = StageRequest["project"];

let runs = 0;

/** What every stage of one run is asked. @param migrate settings that are not the default */
export function requestOf(sample: SampleDatabase, project: Project, migrate: object = {}): StageRequest {
  return {
    environment: "local",
    run: `bench-${++runs}`,
    database: sample.database,
    project,
    store: pathToFileURL(join(sample.folder, "store")).href,
    settings: settingsSchema.parse({ backup: {}, preflight: {}, migrate }),
  };
}

/** Runs one stage as a process of its own, as a Command does. @returns with the JSON that it printed: result or error. */
export async function runStage(
  { cli }: Pick<SampleDatabase, "cli">,
  name: string,
  request: object,
  mayFail = false,
): Promise<Measured & { readonly printed: unknown }> {
  const args = [cli, "--log-level", "error", "--log-format", "json", name];
  const measured = await measure(process.execPath, args, { stdin: JSON.stringify(request), mayFail });
  return { ...measured, printed: JSON.parse(measured.stdout) };
}
