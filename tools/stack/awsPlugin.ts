import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { projectName } from "../../config.js";
import type { StackFile } from "./stackFile.js";

const kinds = z.object({ kind: z.string() });

/** Whether a stack has resources of AWS. */
export function isOnAws({ config }: StackFile): boolean {
  const kindOf = (section: string) => kinds.safeParse(config?.[`${projectName}:${section}`]).data?.kind ?? "";
  return ["rds", "ec2"].includes(kindOf("database")) || kindOf("store") === "s3";
}

/** What the engine and a person are told where the `aws` plugin is neither here nor can be had. */
export interface MissingPlugin {
  /** Keeps the engine from trying to download it: each try may wait for its time-out, and it tries five times. */
  readonly env: Readonly<Record<string, string>>;
  /** What to do about it. */
  readonly message: string;
}

/**
 * Looks for the `aws` plugin before the engine does. The engine asks for it when the first resource of AWS is declared, after
 * the gates have spoken; so they do, even where it is missing.
 *
 * @returns nothing where it is here, or the engine can download it
 */
export async function missingAwsPlugin(env: NodeJS.ProcessEnv): Promise<MissingPlugin | undefined> {
  const { awsPluginIsAtHand, awsPluginVersion } = await import("../setup/awsPlugin.mjs");
  const { pulumiIsReachable } = await import("../setup/network.mjs");
  const { which } = await import("../setup/find.mjs");
  if (awsPluginIsAtHand(env.PULUMI_HOME ?? join(homedir(), ".pulumi"), env.PATH)) return undefined;
  if (await pulumiIsReachable()) return undefined;
  return {
    env: { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" },
    message: explain(awsPluginVersion(), which("pulumi", env.PATH) ?? "pulumi"),
  };
}

/** @param pulumi the CLI, as a person calls it */
export function explain(
  version: string,
  pulumi: string,
  machine: { readonly platform: string; readonly arch: string } = process,
): string {
  const os = machine.platform === "win32" ? "windows" : machine.platform;
  const file = `pulumi-resource-aws-v${version}-${os}-${machine.arch === "x64" ? "amd64" : machine.arch}.tar.gz`;
  return (
    `The aws plugin ${version}, by which Pulumi speaks to AWS, is not on this machine, and Pulumi's download cannot be reached. Nothing of AWS was touched.\n` +
    `What is said above of pending migrations and gates holds all the same. To go on, one of these:\n` +
    `  - connect this machine to the internet, and run the same command: it is downloaded then;\n` +
    `  - fetch https://get.pulumi.com/releases/plugins/${file} elsewhere, and put it in place here with:\n` +
    `    ${pulumi} plugin install resource aws ${version} --file ${file}`
  );
}
