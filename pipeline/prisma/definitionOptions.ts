import type { Node } from "libpg-query";

/** The options of a statement in parentheses or after WITH, e.g. of `REINDEX (CONCURRENTLY, VERBOSE off)`. */

export function optionNames(options: readonly Node[] | undefined): string[] {
  return (options ?? []).flatMap((option) => ("DefElem" in option ? [option.DefElem.defname ?? ""] : []));
}

/** Whether an option is there and switched off. */
export function optionIsFalse(options: readonly Node[] | undefined, name: string): boolean {
  return (options ?? []).some((option) => {
    if (!("DefElem" in option) || option.DefElem.defname !== name || option.DefElem.arg === undefined) return false;
    const value = option.DefElem.arg;
    if ("Boolean" in value) return value.Boolean.boolval !== true;
    if ("Integer" in value) return (value.Integer.ival ?? 0) === 0;
    return "String" in value && ["false", "off", "0"].includes((value.String.sval ?? "").toLowerCase());
  });
}
