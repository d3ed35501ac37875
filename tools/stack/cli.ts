import { execFileSync } from "node:child_process";
import type { Stack } from "@pulumi/pulumi/automation";

/** Runs `pulumi` on a stack; the Automation API's own `exportStack` would print secrets in clear. */
export function cli({ workspace, name }: Stack, args: readonly string[]): string {
  return execFileSync(workspace.pulumiCommand.command, [...args, "--stack", name, "--non-interactive"], {
    cwd: workspace.workDir,
    env: { ...process.env, ...workspace.envVars },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1024 * 1024 * 1024,
  });
}
