/**
 * What may hold somebody's data in a text of SQL, or looks like it: names in double quotes (kept), comments, strings with and
 * without escapes, dollar quotes, bit strings and numbers. One that is cut off runs to the end.
 */
const literal =
  /("(?:[^"]|"")*"?)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[eE]'(?:\\[\s\S]|''|[^'\\])*'?|(?:[uU]&|[bBxXnN])?'(?:''|[^'])*'?|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?(?:\$\2\$|$)|(?<![\w$\u0080-\uffff])\d[\w.]*/g;

/**
 * A query as it may be shown to others: without strings, numbers and comments, in one line. Those stand for rows of the
 * application (a name, an address), and logs and reports are read by people who may not see them. Also right for a query that
 * `pg_stat_activity` cut off in the middle.
 *
 * @param most characters shown; what is longer is cut.
 */
export function withoutLiterals(query: string, most = 120): string {
  const shown = query
    .replace(literal, (text, name?: string) => (name !== undefined ? name : /^(?:--|\/\*)/.test(text) ? " " : "?"))
    .replace(/\s+/g, " ")
    .trim();
  const characters = [...shown];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : shown;
}
