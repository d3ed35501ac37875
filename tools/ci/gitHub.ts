import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { PipelineError, messageOf } from "../../pipeline/errors.js";

/** Where a pull request is, and who writes to it. */
export interface PullRequest {
  /** Root of GitHub's REST API, e.g. `https://api.github.com`. */
  readonly api: string;
  /** `owner/name` */
  readonly repository: string;
  readonly number: number;
  readonly token: string;
}

const commentList = z.array(
  z.looseObject({ id: z.int(), body: z.string().nullish(), user: z.looseObject({ type: z.string() }).nullish() }),
);

const pageSize = 100;
/** Milliseconds before each further attempt. */
const waits = [1_000, 4_000];

/**
 * Writes the comment that begins with `marker`: over the one that a workflow wrote before, else as a new one.
 *
 * @param waitsMs milliseconds before each further attempt where GitHub is down or busy.
 * @returns whether it was there already
 * @throws PipelineError (`failedUnchanged`) with what GitHub answered.
 */
export async function upsertComment(
  pull: PullRequest,
  marker: string,
  body: string,
  waitsMs: readonly number[] = waits,
): Promise<"written" | "updated"> {
  let last: NoAnswer | undefined;
  for (const wait of [0, ...waitsMs]) {
    await sleep(wait);
    try {
      // Looked for anew each time: what seemed to fail may have been done.
      return await writeOnce(pull, marker, body);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      last = error;
      if (!error.mayPass) break;
    }
  }
  throw new PipelineError({
    code: "CI_COMMENT",
    kind: "failedUnchanged",
    message: `GitHub did not take the comment: ${messageOf(last)}`,
    state: "The pull request has the comment it had before.",
    next: "The job needs permissions: { pull-requests: write }; if GitHub was down, run the job again.",
  });
}

async function writeOnce(pull: PullRequest, marker: string, body: string): Promise<"written" | "updated"> {
  const comments = `/repos/${pull.repository}/issues/${pull.number}/comments`;
  const before = await findComment(pull, comments, marker);
  if (before === undefined) await ask(pull, "POST", comments, { body });
  else await ask(pull, "PATCH", `/repos/${pull.repository}/issues/comments/${before}`, { body });
  return before === undefined ? "written" : "updated";
}

/** A person may quote the marker; only what a workflow wrote is written over. */
async function findComment(pull: PullRequest, path: string, marker: string): Promise<number | undefined> {
  for (let page = 1; ; page++) {
    const found = commentList.parse(await ask(pull, "GET", `${path}?per_page=${pageSize}&page=${page}`));
    const own = found.find(({ body, user }) => user?.type === "Bot" && (body ?? "").startsWith(marker));
    if (own !== undefined) return own.id;
    if (found.length < pageSize) return undefined;
  }
}

/** GitHub refused, or was not reached. */
class NoAnswer extends Error {
  constructor(
    why: string,
    /** Whether it may be another time. */
    readonly mayPass: boolean,
  ) {
    super(why);
  }
}

async function ask({ api, token }: PullRequest, method: string, path: string, sent?: unknown): Promise<unknown> {
  const what = `${method} ${path}`;
  let response: Response;
  try {
    response = await fetch(`${api}${path}`, {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "user-agent": "safe-migration",
        "x-github-api-version": "2022-11-28",
      },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
      signal: AbortSignal.timeout(30_000),
    });
  } catch (error) {
    throw new NoAnswer(`${what}: ${messageOf(error)}`, true);
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new NoAnswer(
    `${what}: ${response.status} ${text.slice(0, 300)}`,
    response.status >= 500 || response.status === 429,
  );
}
