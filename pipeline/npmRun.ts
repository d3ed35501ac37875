/** NODE_ENV for an environment's commands, as in the plan; `local` needs none, and one with a name of its own has `--stack`. */
const nodeEnvironments: Readonly<Record<string, string>> = {
  dev: "development",
  staging: "staging",
  prod: "production",
};
/** What a NODE_ENV says that is set for other reasons than to name an environment of this project. */
const unsaid: ReadonlySet<string> = new Set(["", "test"]);

/**
 * The environment that NODE_ENV names; `local` where it is not set. Any other word is the name of a stack, which whoever is given it looks
 * for: one that is mistyped must not be taken for `local`.
 */
export function environmentOf(nodeEnvironment: string | undefined): string {
  const [found] = Object.entries(nodeEnvironments).find(([, value]) => value === nodeEnvironment) ?? [];
  const said = nodeEnvironment === undefined || unsaid.has(nodeEnvironment) ? undefined : nodeEnvironment;
  return found ?? said ?? "local";
}

/** A command line for a person to run next, e.g. `NODE_ENV=staging npm run db:restore -- --backup ID`. */
export function npmRun(environment: string, script: string, ...args: readonly string[]): string {
  const { prefix, flags } = naming(environment);
  const behind = [...flags, ...args];
  return `${prefix}npm run ${script}${behind.length > 0 ? ` -- ${behind.join(" ")}` : ""}`;
}

/** How a command line names its environment. */
function naming(environment: string): { readonly prefix: string; readonly flags: readonly string[] } {
  const nodeEnvironment = nodeEnvironments[environment];
  if (nodeEnvironment !== undefined) return { prefix: `NODE_ENV=${nodeEnvironment} `, flags: [] };
  return { prefix: "", flags: environment === "local" ? [] : ["--stack", environment] };
}

/** Scripts that act on the environment they are told, and on `local` where they are told none. */
const aimless =
  /(NODE_ENV=\w+ )?npm run (db(?::[a-z]+)*|recover|health:check|prisma:migrate:(?:deploy|status|resolve))(?![\w:])( --(?=\s))?( --stack)?/g;

/**
 * A text for a person in which each command line is for this environment: what knows nothing of environments writes
 * `npm run db:status`, which would look at `local`.
 */
export function aimed(environment: string, text: string): string {
  const { prefix, flags } = naming(environment);
  return text.replace(aimless, (all, env?: string, script = "", dashes?: string, stack?: string) =>
    env !== undefined || stack !== undefined || environment === "local"
      ? all
      : `${prefix}npm run ${script}${flags.length === 0 ? (dashes ?? "") : ` -- ${flags.join(" ")}`}`,
  );
}
