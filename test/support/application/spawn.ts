import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../../pipeline/contracts.js";
import { typescript } from "../typescript.js";
import { freePort } from "./freePort.js";
import { databaseEnvironment } from "./environment.js";

/** The application as a process of its own, without pm2: for what is measured. */
export interface RunningApplication {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it and waits until it is healthy. */
export async function spawnApplication(database: Database): Promise<RunningApplication> {
  const port = await freePort();
  const child = spawn(process.execPath, [...typescript, path.join(__dirname, "server.ts")], {
    cwd: path.resolve(__dirname, "../../.."),
    env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", PORT: String(port), ...databaseEnvironment(database) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  for (let attempt = 0; attempt < 300; attempt++) {
    const response = await fetch(`${url}/health`).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok === true) return { url, stop };
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  await stop();
  throw new Error("the application does not become healthy");
}
