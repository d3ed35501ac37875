/**
 * Property values as they travel between engine and provider: JSON in which an object with a signature key stands for a
 * secret, an asset or an archive, and a fixed UUID for a value not known yet.
 */
export type Wire = null | boolean | number | string | Wire[] | WireObject;
export interface WireObject {
  [key: string]: Wire;
}

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";
const archiveSignature = "0def7320c3a5731c473e5ecbe6d01bc7";

/** What the engine sends for a value not known during preview: one constant for each kind of value. */
const unknowns: ReadonlySet<Wire> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** The value to return for an output that is not known during preview. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: Wire | undefined): value is WireObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isUnknown(value: Wire | undefined): boolean {
  return value !== undefined && unknowns.has(value);
}

/** Whether the value, or anything in it, is unknown. */
export function containsUnknown(value: Wire | undefined): boolean {
  if (Array.isArray(value)) return value.some(containsUnknown);
  if (isObject(value)) return Object.values(value).some(containsUnknown);
  return isUnknown(value);
}

export type Secret = WireObject & { value: Wire };

export function isSecret(value: Wire | undefined): value is Secret {
  return isObject(value) && value[signature] === secretSignature;
}

export function secret(value: Wire): Wire {
  return isSecret(value) ? value : { [signature]: secretSignature, value };
}

/** The value without any mark of secrecy, at any depth; assets and archives stay as they are. */
export function reveal(value: Wire): Wire {
  if (Array.isArray(value)) return value.map(reveal);
  if (isSecret(value)) return reveal(value.value);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item)]));
  return value;
}

/** An asset or archive as the engine sends it: by path, by text, or made of others. */
export interface AssetReference {
  readonly kind: "asset" | "archive";
  readonly path?: string;
  readonly text?: string;
  readonly hash?: string;
}

export function asAsset(value: Wire | undefined): AssetReference | undefined {
  if (!isObject(value)) return undefined;
  const kind =
    value[signature] === assetSignature ? "asset" : value[signature] === archiveSignature ? "archive" : undefined;
  if (kind === undefined) return undefined;
  const text = (key: string) => (typeof value[key] === "string" && value[key] !== "" ? value[key] : undefined);
  return {
    kind,
    path: text("path"),
    text: typeof value.text === "string" ? value.text : undefined,
    hash: text("hash"),
  };
}

export function fileAsset(path: string, hash: string): WireObject {
  return { [signature]: assetSignature, path, hash };
}

export function assetArchive(assets: Record<string, WireObject>, hash: string): WireObject {
  return { [signature]: archiveSignature, assets, hash };
}

/** Equality as the engine sees it: secrecy is no difference, assets are equal when their hashes are, unknowns never are. */
export function equal(left: Wire | undefined, right: Wire | undefined): boolean {
  if (isSecret(left)) return isSecret(right) && equal(left.value, right.value);
  if (isSecret(right)) return false;
  if (isUnknown(left) || isUnknown(right)) return false;
  const [leftAsset, rightAsset] = [asAsset(left), asAsset(right)];
  if (leftAsset?.hash !== undefined && rightAsset?.hash !== undefined) {
    return leftAsset.kind === rightAsset.kind && leftAsset.hash === rightAsset.hash;
  }
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => equal(item, right[index]))
    );
  }
  if (isObject(left)) {
    if (!isObject(right)) return false;
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...keys].every((key) => equal(left[key], right[key]));
  }
  return left === right;
}

export type ChangeKind = "add" | "delete" | "update";

/** The paths at which two property bags differ (`triggers[0]`, `environment.PATH`), with the kind of each difference. */
export function changes(olds: WireObject, news: WireObject): Map<string, ChangeKind> {
  const found = new Map<string, ChangeKind>();
  compareObjects("", olds, news, found);
  return found;
}

function compareObjects(path: string, olds: WireObject, news: WireObject, found: Map<string, ChangeKind>): void {
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    // The engine adds `version` and keys of its own; they are no input of the resource.
    if (path === "" && (key === "version" || key.startsWith("__"))) continue;
    compare(
      path === "" ? key : /^\w+$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`,
      olds[key],
      news[key],
      found,
    );
  }
}

function compare(path: string, left: Wire | undefined, right: Wire | undefined, found: Map<string, ChangeKind>): void {
  if (right === undefined || left === undefined) {
    if (left !== right) found.set(path, left === undefined ? "add" : "delete");
  } else if (Array.isArray(left) && Array.isArray(right)) {
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      compare(`${path}[${index}]`, left[index], right[index], found);
    }
  } else if (plain(left) && plain(right)) {
    compareObjects(path, left, right, found);
  } else if (!equal(left, right)) {
    found.set(path, "update");
  }
}

/** An object of the program's own: neither a secret nor an asset. */
function plain(value: Wire): value is WireObject {
  return isObject(value) && !(signature in value);
}
