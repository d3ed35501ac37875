import * as schema from "./schema";
import {
  asAsset,
  containsUnknown,
  isObject,
  isSecret,
  isUnknown,
  reveal,
  secret,
  type AssetReference,
  type Wire,
  type WireObject,
} from "./wire";

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface Endpoint {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  readonly agentSocketPath?: string;
  readonly dialErrorLimit: number;
  readonly perDialTimeout: number;
  readonly hostKey?: string;
}

export interface Connection extends Endpoint {
  readonly proxy?: Endpoint;
}

export interface CommandInputs {
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  /** Of `local.run`: the command itself. */
  readonly command?: string;
  readonly stdin?: string;
  readonly logging?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly addPreviousOutputInEnv: boolean;
  readonly interpreter?: readonly string[];
  readonly dir?: string;
  readonly assetPaths?: readonly string[];
  readonly archivePaths?: readonly string[];
  readonly connection?: Connection;
}

export interface CopyInputs {
  readonly connection: Connection;
  readonly source: AssetReference;
  readonly remotePath: string;
}

type Kind = "string" | "number" | "boolean" | "strings" | "map" | "any";

const kinds: Record<string, Kind> = {
  create: "string",
  update: "string",
  delete: "string",
  command: "string",
  stdin: "string",
  dir: "string",
  remotePath: "string",
  environment: "map",
  addPreviousOutputInEnv: "boolean",
  interpreter: "strings",
  assetPaths: "strings",
  archivePaths: "strings",
  user: "string",
  password: "string",
  host: "string",
  port: "number",
  privateKey: "string",
  privateKeyPassword: "string",
  agentSocketPath: "string",
  dialErrorLimit: "number",
  perDialTimeout: "number",
  hostKey: "string",
};

function fits(value: Wire, kind: Kind): boolean {
  if (kind === "any" || isUnknown(value)) return true;
  if (kind === "strings") return Array.isArray(value) && value.every((item) => fits(item, "string"));
  if (kind === "map") return isObject(value) && Object.values(value).every((item) => fits(item, "string"));
  return typeof value === kind;
}

/**
 * Checks inputs against the schema, fills in a connection's defaults and marks as secret what the schema declares so.
 * Values unknown during preview are taken as right.
 */
export function check(type: schema.TypeSchema, news: WireObject): { inputs: WireObject; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const inputs: WireObject = { ...news };
  for (const name of type.required) {
    if (inputs[name] === undefined || inputs[name] === null)
      failures.push({ property: name, reason: `missing required field "${name}"` });
  }
  for (const [name, value] of Object.entries(inputs)) {
    if (name === "version" || name.startsWith("__")) continue;
    if (!type.inputs.includes(name)) failures.push({ property: name, reason: `unrecognized field "${name}"` });
    else failures.push(...checkValue(name, name, value));
  }
  if (inputs.connection !== undefined) inputs.connection = secret(completeConnection(inputs.connection));
  if (type === schema.resources["command:remote:CopyToRemote"]) failures.push(...checkSource(inputs.source));
  return { inputs, failures };
}

function checkValue(path: string, name: string, value: Wire): CheckFailure[] {
  const shown = reveal(value);
  if (shown === null || isUnknown(shown)) return [];
  if (name === "connection" || name === "proxy") return checkConnection(path, shown, name === "connection");
  if (name === "logging") {
    if (schema.loggingModes.some((mode) => mode === shown)) return [];
    return [{ property: path, reason: `must be one of ${schema.loggingModes.join(", ")}` }];
  }
  const kind = kinds[name] ?? "any";
  const wanted = kind === "strings" ? "an array of strings" : kind === "map" ? "a map of strings" : `a ${kind}`;
  return fits(shown, kind) ? [] : [{ property: path, reason: `must be ${wanted}` }];
}

function checkConnection(path: string, value: Wire, mayHaveProxy: boolean): CheckFailure[] {
  if (!isObject(value)) return [{ property: path, reason: "must be an object" }];
  const failures: CheckFailure[] = [];
  if (value.host === undefined) failures.push({ property: `${path}.host`, reason: `missing required field "host"` });
  for (const [name, item] of Object.entries(value)) {
    const known = (schema.connection.inputs as readonly string[]).includes(name) || (mayHaveProxy && name === "proxy");
    if (known) failures.push(...checkValue(`${path}.${name}`, name, item));
    else failures.push({ property: `${path}.${name}`, reason: `unrecognized field "${name}"` });
  }
  return failures;
}

function checkSource(source: Wire | undefined): CheckFailure[] {
  if (source === undefined || containsUnknown(source)) return [];
  const asset = asAsset(reveal(source));
  if (asset === undefined) return [{ property: "source", reason: "must be an asset or an archive" }];
  if (asset.path !== undefined || (asset.kind === "asset" && asset.text !== undefined)) return [];
  const reason =
    asset.kind === "asset"
      ? "asset must be a path-based file asset or a text asset"
      : "archive must be a path to a file or directory";
  return [{ property: asset.kind, reason }];
}

function completeConnection(value: Wire): Wire {
  if (isSecret(value)) return secret(completeConnection(value.value));
  if (!isObject(value)) return value;
  const complete: WireObject = { ...schema.connection.defaults, ...value };
  for (const name of schema.connection.secrets) {
    const item = complete[name];
    if (item !== undefined && item !== null) complete[name] = secret(item);
  }
  if (complete.proxy !== undefined) complete.proxy = completeConnection(complete.proxy);
  return complete;
}

/** Takes checked inputs apart. @throws Error naming the input, if one has the wrong shape (state written by something else). */
export function commandInputs(wire: WireObject): CommandInputs {
  const of = reader(reveal(wire));
  return {
    create: of.string("create"),
    update: of.string("update"),
    delete: of.string("delete"),
    command: of.string("command"),
    stdin: of.string("stdin"),
    logging: of.string("logging"),
    environment: of.map("environment"),
    addPreviousOutputInEnv: of.boolean("addPreviousOutputInEnv") ?? true,
    interpreter: of.strings("interpreter"),
    dir: of.string("dir"),
    assetPaths: of.strings("assetPaths"),
    archivePaths: of.strings("archivePaths"),
    connection: wire.connection === undefined ? undefined : readConnection(reveal(wire.connection)),
  };
}

/** As {@link commandInputs}, for `CopyToRemote`. */
export function copyInputs(wire: WireObject): CopyInputs {
  const source = asAsset(reveal(wire.source ?? null));
  const remotePath = reader(reveal(wire)).string("remotePath");
  if (source === undefined) throw new Error("source: neither an asset nor an archive");
  if (remotePath === undefined) throw new Error("remotePath: missing");
  return { connection: readConnection(reveal(wire.connection ?? null)), source, remotePath };
}

function readConnection(value: Wire): Connection {
  const proxy =
    isObject(value) && value.proxy !== undefined && value.proxy !== null ? readEndpoint(value.proxy) : undefined;
  return { ...readEndpoint(value), proxy };
}

function readEndpoint(value: Wire): Endpoint {
  const of = reader(value);
  const host = of.string("host");
  if (host === undefined) throw new Error("connection.host: missing");
  return {
    host,
    user: of.string("user") ?? schema.connection.defaults.user,
    port: of.number("port") ?? schema.connection.defaults.port,
    password: of.string("password"),
    privateKey: of.string("privateKey"),
    privateKeyPassword: of.string("privateKeyPassword"),
    agentSocketPath: of.string("agentSocketPath"),
    dialErrorLimit: of.number("dialErrorLimit") ?? schema.connection.defaults.dialErrorLimit,
    perDialTimeout: of.number("perDialTimeout") ?? schema.connection.defaults.perDialTimeout,
    hostKey: of.string("hostKey"),
  };
}

function reader(value: Wire) {
  const bag = isObject(value) ? value : {};
  const take = <T>(name: string, guard: (item: Wire) => item is T & Wire): T | undefined => {
    const item = bag[name];
    if (item === undefined || item === null) return undefined;
    if (!guard(item)) throw new Error(`${name}: has the wrong type`);
    return item;
  };
  const isString = (item: Wire): item is string => typeof item === "string";
  return {
    string: (name: string) => take(name, isString),
    number: (name: string) => take(name, (item): item is number => typeof item === "number"),
    boolean: (name: string) => take(name, (item): item is boolean => typeof item === "boolean"),
    strings: (name: string) => take(name, (item): item is string[] => Array.isArray(item) && item.every(isString)),
    map: (name: string) =>
      take(name, (item): item is Record<string, string> => isObject(item) && Object.values(item).every(isString)) ?? {},
  };
}
