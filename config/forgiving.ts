/** Environments in which a mistake costs time, and not the data of customers. */
const forgiving: ReadonlySet<string> = new Set(["local", "dev", "staging"]);

/** Whether an environment is one of those; any other is treated as `prod` is, whatever its name. */
export function isForgiving(environment: string): boolean {
  return forgiving.has(environment);
}
