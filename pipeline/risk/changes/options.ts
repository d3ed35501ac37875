import type { Node } from "libpg-query";

/** Whether an option in brackets is on: `(FULL)`, `(ANALYZE true)`; `(FULL false)` is not. */
export function isOn(options: readonly Node[] | undefined, name: string): boolean {
  return (options ?? []).some(
    (option) => "DefElem" in option && option.DefElem.defname === name && !isOff(option.DefElem.arg),
  );
}

function isOff(value: Node | undefined): boolean {
  if (value === undefined) return false;
  if ("Integer" in value) return (value.Integer.ival ?? 0) === 0;
  if ("Boolean" in value) return value.Boolean.boolval !== true;
  return "String" in value && /^(false|off|no|0|f|n)$/i.test(value.String.sval ?? "");
}
