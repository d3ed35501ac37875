/** Whether Pulumi's downloads can be reached; asked once for each process, for at most three seconds. */
let answer;

/**
 * @param {{ fetch: typeof fetch, env: Record<string, string | undefined> }} [world]
 * @returns {Promise<boolean>}
 */
export function pulumiIsReachable(world = { fetch: globalThis.fetch, env: process.env }) {
  answer ??= probe(world);
  return answer;
}

export async function probe({ fetch, env }) {
  if (env.SAFE_MIGRATION_OFFLINE) return false;
  try {
    const response = await fetch("https://get.pulumi.com/", { method: "HEAD", signal: AbortSignal.timeout(3_000) });
    return response.status < 500;
  } catch {
    return false;
  }
}
