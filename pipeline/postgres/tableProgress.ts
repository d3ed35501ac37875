/**
 * Follows what `pg_dump` and `pg_restore` say with `--verbose`: each names a table when it starts on it, so the share that
 * is done is the size of the tables before that one.
 *
 * @param pattern matches such a line; its first group is `schema.table`.
 */
export function tableProgress(
  tables: readonly { schema: string; name: string; bytes: number }[],
  pattern: RegExp,
  report: ((fraction: number, table: string) => void) | undefined,
): (line: string) => void {
  const sizes = new Map(tables.map(({ schema, name, bytes }) => [`${schema}.${name}`, bytes]));
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0) || 1;
  let done = 0;
  return (line) => {
    const table = pattern.exec(line)?.[1];
    if (table === undefined) return;
    report?.(Math.min(1, done / total), table);
    done += sizes.get(table) ?? 0;
  };
}
