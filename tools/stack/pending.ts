import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Operation {
  readonly type?: unknown;
  readonly resource?: { readonly urn?: unknown; readonly type?: unknown };
}

interface State {
  readonly deployment?: { pending_operations?: Operation[] | null };
}

/**
 * The state without the operations of Commands that a crash left pending, and the names of those Commands. Whether a command
 * had its effect is not in Pulumi's state but in the database, where the pipeline looks for itself; so nothing is lost, and
 * no warning asks for a `pulumi refresh` that could find out nothing. Operations of other resources stay: what they may have
 * left behind has to be looked for.
 */
export function withoutPendingCommands(text: string): { text: string; names: string[] } | undefined {
  const state = JSON.parse(text) as State;
  const pending = state.deployment?.pending_operations ?? [];
  const ofCommands = pending.filter(({ resource }) => String(resource?.type).startsWith("command:"));
  if (state.deployment === undefined || ofCommands.length === 0) return undefined;
  const rest = pending.filter((operation) => !ofCommands.includes(operation));
  if (rest.length > 0) state.deployment.pending_operations = rest;
  else delete state.deployment.pending_operations;
  return { text: JSON.stringify(state), names: ofCommands.map(({ resource }) => nameOf(resource?.urn)) };
}

function nameOf(urn: unknown): string {
  return typeof urn === "string" ? (urn.split("::").pop() ?? urn) : "unknown";
}

/** Whether a file backend's state mentions pending operations at all; reading the file is far quicker than asking Pulumi. */
export function mayHavePending(stateFolder: string, project: string, stack: string): boolean {
  const path = join(stateFolder, ".pulumi", "stacks", project, `${stack}.json`);
  return existsSync(path) && readFileSync(path, "utf8").includes('"pending_operations"');
}

/**
 * Drops the pending operations of Commands from a stack's state.
 *
 * @param ask what Pulumi's CLI prints of the stack when it is asked so
 * @returns the names of the Commands
 */
export async function dropPendingCommands(
  ask: (words: readonly string[]) => Promise<string>,
  folder: string,
): Promise<string[]> {
  const found = withoutPendingCommands(await ask(["stack", "export"]));
  if (found === undefined) return [];
  // Exported without --show-secrets: what is secret in it is encrypted.
  const path = join(folder, "without-pending.json");
  writeFileSync(path, found.text, { mode: 0o600 });
  try {
    await ask(["stack", "import", "--file", path]);
  } finally {
    rmSync(path, { force: true });
  }
  return found.names;
}
