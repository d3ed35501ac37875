import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import { readStackFile } from "./stackFile.js";

/** The checkout. */
export const root = resolve(__dirname, "..", "..");
/** Where the local stack keeps everything. */
export const localFolder = join(root, ".local");

export interface Place {
  readonly workDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** The folder of a file backend, when that is where the state is. */
  readonly stateFolder?: string;
  /** Said where the engine asks for the `aws` plugin, which is not here. */
  readonly withoutAws?: string;
}

/**
 * Where a stack's settings and state are. The settings of the cloud stacks are the checkout's own `Pulumi.*.yaml`. Those of
 * `local` are copied before each run, as Pulumi writes a salt into them and the checkout is to stay clean; its state is
 * under `.local/`, and its passphrase is made there, unless PULUMI_BACKEND_URL says that the state is kept elsewhere.
 */
export function prepare(stack: string, env: NodeJS.ProcessEnv): Place {
  const backend = env.PULUMI_BACKEND_URL;
  const foreignFolder = backend?.startsWith("file://")
    ? resolve(decodeURI(backend.slice("file://".length)))
    : undefined;
  if (stack !== "local") return { workDir: root, env: {}, stateFolder: foreignFolder };
  const workDir = join(localFolder, "pulumi", "work");
  mkdirSync(join(localFolder, "pulumi"), { recursive: true });
  mkdirSync(workDir, { recursive: true, mode: 0o700 });
  writeSettings(workDir);
  if (backend) return { workDir, env: {}, stateFolder: foreignFolder };
  const stateFolder = join(localFolder, "pulumi");
  return {
    workDir,
    stateFolder,
    env: {
      PULUMI_BACKEND_URL: pathToFileURL(stateFolder).href,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(),
      // Asked before the file by Pulumi; the passphrase of other stacks does not open this one.
      PULUMI_CONFIG_PASSPHRASE: "",
    },
  };
}

function passphraseFile(): string {
  const folder = join(localFolder, "secrets");
  const path = join(folder, "passphrase");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  return path;
}

function writeSettings(workDir: string): void {
  const project = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(workDir, "Pulumi.yaml"), stringify({ ...project, main: root }));
  const settings = readStackFile(join(root, "Pulumi.local.yaml"));
  // The salt belongs to the state, not to the settings: Pulumi made it when it made the stack.
  const { encryptionsalt } = readStackFile(join(workDir, "Pulumi.local.yaml"));
  const merged = encryptionsalt === undefined ? settings : { encryptionsalt, ...settings };
  // Pulumi reads an older YAML, to which a time without quotes is no text.
  writeFileSync(join(workDir, "Pulumi.local.yaml"), stringify(merged, { version: "1.1" }));
}
