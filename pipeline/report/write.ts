import type { Store } from "../store/store.js";
import type { Targets } from "../contracts.js";
import { readEvidence } from "./evidence.js";
import { renderRunPage } from "./html/run.js";
import { renderRunMarkdown } from "./markdownRun.js";
import { type Aimed } from "./target.js";

/** File of a run's folder with its report as a page; beside it is `report.md`, for pull requests. */
export const pageName = "report.html";

/** The same as Markdown. */
const markdownName = "report.md";

export function pageUrl(store: Store, environment: string, run: string): string {
  return store.urlOf(`${environment}/${run}/${pageName}`);
}

/** The page that stands beside a run's Markdown report. */
export function pageBeside(markdownUrl: string): string {
  return markdownUrl.replace(/[^/]*$/, pageName);
}

/** Writes a run's page, and its Markdown, from what its stages left; written again, it shows what came since. @returns its URL. */
export async function writeRunPage(store: Store, environment: string, run: string, targets: Targets): Promise<string> {
  const evidence = await readEvidence(store, environment, run);
  const aimed: Aimed = { ...evidence, targets };
  await store.write(`${environment}/${run}/${pageName}`, renderRunPage(aimed));
  // That of a run that came to verify is written by verify.
  if (evidence.stages.at(-1)?.name !== "verify" || !evidence.files.includes(markdownName))
    await store.write(`${environment}/${run}/${markdownName}`, renderRunMarkdown(aimed));
  return pageUrl(store, environment, run);
}
