import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../../pipeline/contracts.js";
import { run } from "../../../pipeline/process.js";
import { typescript } from "../typescript.js";
import { databaseEnvironment } from "./environment.js";
import { freePort } from "./freePort.js";

const root = path.resolve(__dirname, "../../..");

/** The sample application under a pm2 of its own, so that a user's processes are never touched. */
export interface Pm2Application {
  readonly process: string;
  readonly url: string;
  readonly healthUrl: string;
  /** What a process needs in its environment so that its pm2 is this one. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the application and its pm2. */
  remove(): Promise<void>;
}

export interface ApplicationOptions {
  /** Name under pm2. */
  readonly process: string;
  /** The database, with the role that the application connects as, whose password is in a password file. */
  readonly database: Database;
}

/** Starts the application under real pm2 (the package's own, offline) and waits until it is healthy. */
export async function startApplication({ process: name, database }: ApplicationOptions): Promise<Pm2Application> {
  const home = await mkdtemp(path.join(tmpdir(), "safe-migration-pm2-"));
  const port = await freePort();
  const pm2 = path.join(root, "node_modules", ".bin", "pm2");
  const env = { PM2_HOME: home, SAFE_MIGRATION_PM2: pm2, PM2_DISABLE_VERSION_CHECK: "true" };
  const ecosystem = path.join(home, "application.json");
  const app = {
    name,
    script: path.join(__dirname, "server.ts"),
    cwd: root,
    interpreter: process.execPath,
    interpreter_args: [...typescript],
    // Of this process's environment the application is to have nothing.
    filter_env: true,
    env: {
      PATH: process.env["PATH"] ?? "",
      PORT: String(port),
      ...databaseEnvironment(database),
    },
    kill_timeout: 10_000,
    max_restarts: 5,
  };
  await writeFile(ecosystem, JSON.stringify({ apps: [app] }), { mode: 0o600 });
  const remove = async (): Promise<void> => {
    await run(pm2, ["kill"], { env });
    await rm(home, { recursive: true, force: true });
  };
  const { exitCode, stdout, stderr } = await run(pm2, ["start", ecosystem], { env });
  const url = `http://127.0.0.1:${port}`;
  const application: Pm2Application = { process: name, url, healthUrl: `${url}/health`, env, remove };
  try {
    if (exitCode !== 0) throw new Error(`pm2 start failed:\n${stdout}\n${stderr}`);
    await healthy(application, home);
    return application;
  } catch (error) {
    await remove();
    throw error;
  }
}

async function healthy({ healthUrl, process: name, env }: Pm2Application, home: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const response = await fetch(healthUrl).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok === true) return;
    await sleep(100);
  }
  const { stdout } = await run(env["SAFE_MIGRATION_PM2"] ?? "pm2", ["logs", name, "--nostream", "--lines", "20"], {
    env,
  });
  throw new Error(`the application does not become healthy (${home}):\n${stdout}`);
}
