/** `-- risk-ignore: <rule> <reason>` on the line before a statement or on the one where it begins. */
const pattern = /--\s*risk-ignore:\s*([a-z0-9-]+)(?:[ \t]+(\S[^\n]*))?/;

export interface Ignore {
  readonly rule: string;
  readonly reason: string;
}

/** The comments that answer for a finding, by line; one without a reason does not count. */
export function ignoresOf(sql: string): ReadonlyMap<number, readonly Ignore[]> {
  const found = new Map<number, Ignore[]>();
  if (!sql.includes("risk-ignore:")) return found;
  sql.split("\n").forEach((line, at) => {
    const [, rule, reason] = pattern.exec(line) ?? [];
    if (rule === undefined || reason === undefined) return;
    found.set(at + 1, [...(found.get(at + 1) ?? []), { rule, reason: reason.trim() }]);
  });
  return found;
}

/** The comment for a rule at a line: on it, or on the comment lines right above. */
export function ignoreFor(
  ignores: ReadonlyMap<number, readonly Ignore[]>,
  lines: readonly string[],
  line: number,
  rule: string,
): Ignore | undefined {
  const at = (number: number) => ignores.get(number)?.find((ignore) => ignore.rule === rule);
  const own = at(line);
  if (own !== undefined) return own;
  for (let above = line - 1; above >= 1 && lines[above - 1]?.trim().startsWith("--"); above -= 1) {
    const found = at(above);
    if (found !== undefined) return found;
  }
  return undefined;
}
