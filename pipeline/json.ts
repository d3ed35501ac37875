/** What a text says as JSON; `undefined` where it is none, or is not there. What it says is for a schema to check. */
export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
