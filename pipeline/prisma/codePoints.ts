/**
 * PostgreSQL counts characters (code points), JavaScript UTF-16 units. Both ways go through the text once and keep nothing of it:
 * a migration may be many megabytes.
 */

/** How many UTF-16 units the first `characters` of a text are. */
export function unitsOf(text: string, characters: number): number {
  let units = 0;
  for (let seen = 0; seen < characters && units < text.length; seen++) units += widthAt(text, units);
  return units;
}

/** How many characters the first `units` UTF-16 units of a text are. */
export function charactersOf(text: string, units: number): number {
  let seen = 0;
  for (let at = 0; at < units && at < text.length; at += widthAt(text, at)) seen++;
  return seen;
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
