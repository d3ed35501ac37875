import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { assessFiles } from "../../pipeline/risk/assessFiles.js";
import { projectFiles, renderComment } from "../commands/riskProject.js";
import { diagnosticsOf } from "./engineOutput.js";
import type { StackPart } from "./part.js";

const root = resolve(__dirname, "../..");
/** What `npm run risk` assumes as well: rules of older servers are the stricter ones. */
const postgresMajor = 15;

/**
 * Previews a stack and judges the migrations of a git range by what that stack asks.
 *
 * @param range `A..B`
 * @throws PipelineError (`usage`) where configuration or range cannot be read.
 */
export async function previewStack(stack: string, range: string): Promise<StackPart> {
  const { files, options } = await projectFiles(stack, range);
  const risks = await assessFiles(files, { ...options, postgresMajor });
  const { exitCode, output } = await preview(stack);
  return {
    stack,
    exitCode,
    said: diagnosticsOf(output),
    migrations: files.map(({ source }, at) => ({ name: source.name, tier: risks[at]?.tier ?? "dangerous" })),
    risk:
      files.length === 0
        ? "This pull request neither adds nor changes a migration."
        : renderComment(stack, files, risks),
  };
}

/** Runs `npm run preview` as people do, shows what it prints and keeps it. */
function preview(stack: string): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve, reject) => {
    const args = [join(root, "tools/npm.mjs"), "preview", "--stack", stack, "--before-promotion"];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
    let output = "";
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const)
      from.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        to.write(chunk);
      });
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 128, output }));
  });
}
