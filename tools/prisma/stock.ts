import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { type PrismaTarget, prismaEnvironment, projectRoot } from "./environment.js";

/** A command line for Prisma's own CLI. */
export interface StockPrisma {
  readonly command: string;
  /** Arguments before those of the command: `["migrate", "status"]` is put after them. */
  readonly args: readonly string[];
  /** The whole environment of the child process. */
  readonly env: Record<string, string>;
  readonly cwd: string;
}

/** How Prisma's own CLI is run on a target, with the schema engine of this project. */
export function stockPrismaFor(target: PrismaTarget): StockPrisma {
  const folder = path.dirname(createRequire(__filename).resolve("prisma/package.json"));
  return {
    command: process.execPath,
    args: [path.join(folder, "build", "index.js")],
    env: prismaEnvironment(target),
    cwd: target.project.root ?? projectRoot,
  };
}

/** Runs Prisma's CLI with this process's terminal. @returns its exit code. */
export function runStockPrisma(prisma: StockPrisma, args: readonly string[] = []): Promise<number> {
  const { command, args: fixed, env, cwd } = prisma;
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...fixed, ...args], { stdio: "inherit", env, cwd });
    child.on("error", reject);
    // A child ended by Ctrl-C has exit code 130 by the shell's custom.
    child.on("close", (code) => resolve(code ?? 130));
  });
}
