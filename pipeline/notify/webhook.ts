import { readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { SecretSource } from "../contracts.js";
import { messageOf } from "../errors.js";

export interface Patience {
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly attempts: number;
}

/** Pause before the second attempt, in milliseconds; doubled for each further one. */
const pauseMs = 300;

/**
 * Posts JSON to a webhook; tries again where trying again may help.
 *
 * @throws Error saying what went wrong, without the URL, which is a secret.
 */
export async function postWebhook(source: SecretSource, payload: object, patience: Patience): Promise<void> {
  const url = checkUrl(await readSecret(source));
  for (let attempt = 1; ; attempt++) {
    const failure = await post(url, payload, patience.timeoutMs);
    if (failure === undefined) return;
    if (!failure.again || attempt >= patience.attempts) throw new Error(failure.reason);
    await sleep(pauseMs * 2 ** (attempt - 1));
  }
}

interface Failure {
  readonly reason: string;
  readonly again: boolean;
}

async function post(url: URL, payload: object, timeoutMs: number): Promise<Failure | undefined> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload),
      // Elsewhere the answer would be another party's.
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    if (response.ok) return undefined;
    const again = response.status === 429 || response.status >= 500;
    return { reason: `it answered ${response.status} ${response.statusText}`.trim(), again };
  } catch (error) {
    if (error instanceof Error && error.name === "TimeoutError")
      return { reason: `no answer within ${timeoutMs} ms`, again: true };
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
    return { reason: code ?? withoutUrl(messageOf(cause ?? error), url), again: true };
  }
}

function withoutUrl(text: string, url: URL): string {
  return [url.href, url.pathname + url.search, url.pathname]
    .filter((part) => part.length > 1)
    .reduce((said, part) => said.replaceAll(part, "…"), text);
}

/** @throws Error for what is no URL of a webhook; plain http only to this machine, where nobody listens in between. */
export function checkUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(url?.hostname ?? "");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && here)) return url;
  throw new Error("what was found is no https:// URL (http:// is for this machine only)");
}

/** @throws Error naming where the secret should be. */
export async function readSecret(source: SecretSource): Promise<string> {
  if (source.from === "environment") {
    const value = process.env[source.variable]?.trim() ?? "";
    if (value === "") throw new Error(`the environment variable ${source.variable} is not set`);
    return value;
  }
  const { mode } = await stat(source.path);
  if ((mode & 0o077) !== 0) throw new Error(`${source.path} can be read by others; run: chmod 600 ${source.path}`);
  const line = (await readFile(source.path, "utf8")).split("\n", 1)[0]?.trim() ?? "";
  if (line === "") throw new Error(`${source.path} is empty`);
  return line;
}
