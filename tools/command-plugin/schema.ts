/**
 * What `@pulumi/command` 1.2.1 declares, as far as this provider needs it: the names it takes and gives. A test holds these
 * against the declarations of the npm package.
 */
export const version = "1.2.1";

const shared = ["triggers", "create", "update", "delete", "stdin", "logging", "environment", "addPreviousOutputInEnv"];
const localOnly = ["interpreter", "dir", "assetPaths", "archivePaths"];
const localOutputs = ["stdout", "stderr", "assets", "archive"];

export interface TypeSchema {
  readonly inputs: readonly string[];
  readonly required: readonly string[];
  /** Inputs are outputs too; these come on top. */
  readonly outputs: readonly string[];
}

export const resources = {
  "command:local:Command": { inputs: [...shared, ...localOnly], required: [], outputs: localOutputs },
  "command:remote:Command": {
    inputs: [...shared, "connection"],
    required: ["connection"],
    outputs: ["stdout", "stderr"],
  },
  "command:remote:CopyToRemote": {
    inputs: ["connection", "triggers", "source", "remotePath"],
    required: ["connection", "source", "remotePath"],
    outputs: [],
  },
} as const satisfies Record<string, TypeSchema>;

export type ResourceType = keyof typeof resources;

export const functions = {
  "command:local:run": {
    inputs: [
      ...shared.filter((name) => !["triggers", "create", "update", "delete"].includes(name)),
      ...localOnly,
      "command",
    ],
    required: ["command"],
    outputs: localOutputs,
  },
} as const satisfies Record<string, TypeSchema>;

export const connection = {
  inputs: [
    "user",
    "password",
    "host",
    "port",
    "privateKey",
    "privateKeyPassword",
    "agentSocketPath",
    "dialErrorLimit",
    "perDialTimeout",
    "hostKey",
  ],
  secrets: ["password", "privateKey", "privateKeyPassword"],
  defaults: { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 },
} as const;

export const loggingModes = ["stdout", "stderr", "stdoutAndStderr", "none"] as const;

export function isResourceType(type: string): type is ResourceType {
  return type in resources;
}
