import type { Failure } from "../../../../tools/command-plugin/protocol.js";
import { type Wire, type WireObject, isObject, isUnknown, reveal } from "../../../../tools/command-plugin/wire.js";
import type { Kind, ObjectType, Schema } from "../schema.js";

/** What the engine itself adds to inputs. */
export const ofTheEngine = (name: string): boolean => name === "version" || name.startsWith("__");

/** Holds inputs to what the published types declare: names, required ones, and what kind of value each is. */
export function check(type: ObjectType, inputs: WireObject, types: Schema["types"]): Failure[] {
  return checkObject("", type, inputs, types);
}

function checkObject(path: string, type: ObjectType, value: WireObject, types: Schema["types"]): Failure[] {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);
  const missing = type.required.filter((name) => value[name] === undefined || value[name] === null);
  return [
    ...missing.map((name) => ({ property: at(name), reason: `Missing required argument: "${name}" is required` })),
    ...Object.entries(value).flatMap(([name, item]) => {
      if (path === "" && ofTheEngine(name)) return [];
      const kind = type.properties[name];
      if (kind === undefined)
        return [{ property: at(name), reason: `Invalid or unknown key: "${name}" is not expected here` }];
      return checkValue(at(name), kind, item, types);
    }),
  ];
}

function checkValue(path: string, kind: Kind, given: Wire, types: Schema["types"]): Failure[] {
  const value = reveal(given);
  if (value === null || isUnknown(value) || kind.is === "any") return [];
  if (kind.is === "list" && Array.isArray(value))
    return value.flatMap((item, at) => checkValue(`${path}[${at}]`, kind.of, item, types));
  if (kind.is === "map" && isObject(value))
    return Object.entries(value).flatMap(([key, item]) => checkValue(`${path}.${key}`, kind.of, item, types));
  if (kind.is === "object" && isObject(value)) {
    const type = types[kind.type];
    return type === undefined ? [] : checkObject(path, type, value, types);
  }
  if (typeof value === kind.is) return [];
  return [{ property: path, reason: `expected a ${kind.is}` }];
}
