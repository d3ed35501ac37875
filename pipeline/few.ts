/** A list in one sentence that stays short: the first of it, and how many more there are. */
export function few(items: readonly string[], { most = 10, separator = ", " } = {}): string {
  const shown = items.slice(0, most).join(separator);
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}
