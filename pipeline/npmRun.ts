/** NODE_ENV for an environment's commands, as in the plan; `local` needs none. */
const nodeEnvironments: Readonly<Record<string, string>> = {
  dev: "development",
  staging: "staging",
  prod: "production",
};

/** The environment that NODE_ENV names; `local` where it is not set or names none (`test`). */
export function environmentOf(nodeEnvironment: string | undefined): string {
  const found = Object.entries(nodeEnvironments).find(([, value]) => value === nodeEnvironment);
  return found?.[0] ?? "local";
}

/** A command line for a person to run next, e.g. `NODE_ENV=staging npm run db:restore -- --backup ID`. */
export function npmRun(environment: string, script: string, ...args: readonly string[]): string {
  const nodeEnvironment = nodeEnvironments[environment];
  const prefix = nodeEnvironment === undefined ? "" : `NODE_ENV=${nodeEnvironment} `;
  return `${prefix}npm run ${script}${args.length > 0 ? ` -- ${args.join(" ")}` : ""}`;
}
