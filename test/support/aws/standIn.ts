import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { build } from "esbuild";
import type { Moto } from "../moto.js";
import { functions, resources } from "./model.js";
import { type Settings, settingsVariable } from "./plugin/settings.js";
import { readSchema } from "./schema.js";

/** The stand-in for the `aws` provider, on the PATH of the engines of a test, and nowhere else. */
export interface AwsStandIn {
  /** The environment in which the engine finds it, and it finds moto. */
  readonly env: Readonly<Record<string, string>>;
  /** The password of the administrator of every RDS. */
  readonly masterPassword: string;
  /** Has AWS be another from the next engine on. */
  become(changes: Partial<Pick<Settings, "outputs" | "unprotected">>): Promise<void>;
  remove(): Promise<void>;
}

/** @param outputs by type of resource: where the machines and databases of the test are, in place of the model's answers */
export async function installAwsStandIn(moto: Moto, outputs: Settings["outputs"] = {}): Promise<AwsStandIn> {
  const folder = await mkdtemp(join(tmpdir(), "aws-stand-in-"));
  const bundle = join(folder, "provider.cjs");
  await build({
    entryPoints: [join(__dirname, "plugin/main.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
  const masterPassword = randomBytes(16).toString("hex");
  const settings: Settings = {
    schema: readSchema(Object.keys(resources), Object.keys(functions)),
    outputs,
    unprotected: false,
    masterPassword,
  };
  const file = join(folder, "settings.json");
  const become: AwsStandIn["become"] = (changes) =>
    writeFile(file, JSON.stringify({ ...settings, ...changes }), { mode: 0o600 });
  await become({});
  // The engine prefers a plugin on PATH to any that is installed.
  const programs = join(folder, "bin");
  await mkdir(programs);
  const program = join(programs, "pulumi-resource-aws");
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${bundle}' "$@"\n`);
  await chmod(program, 0o755);
  return {
    env: {
      ...moto.env,
      AWS_ENDPOINT_URL: moto.endpoint,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      [settingsVariable]: file,
      PATH: [programs, process.env.PATH ?? ""].join(delimiter),
    },
    masterPassword,
    become,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
