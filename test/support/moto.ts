import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type RunResult, run } from "../../pipeline/process.js";

/**
 * moto (PyPI): the APIs of S3, Secrets Manager and others, spoken over HTTP to whoever asks, kept in memory. It checks neither
 * credentials nor rights, and takes no policy or lock for more than text.
 */
export interface Moto {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Environment with which the AWS SDK finds credentials and a region, and asks nobody else for them. */
  readonly env: Readonly<Record<string, string>>;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
  stop(): Promise<void>;
}

export const motoRegion = "eu-west-1";
const folder = join(__dirname, "moto");
const requirements = join(folder, "requirements.txt");

/** Skips the tests below where there is no Python to run moto with, saying so; any other trouble fails them. */
export async function motoOrSkip(context: Mocha.Context): Promise<Moto> {
  context.timeout(300_000);
  const python = await findPython();
  if (python !== undefined) return sharedMoto(python);
  process.stderr.write(
    "      skipped: Python 3.10 or newer with its venv module is not here, so that moto cannot run\n",
  );
  return context.skip();
}

/** Kept globally: mocha may load this module twice. */
const key = Symbol.for("safe-migration.moto");
const shared = globalThis as { [key]?: Promise<Moto> };

function sharedMoto(python: string): Promise<Moto> {
  return (shared[key] ??= startMoto(python));
}

/** @param host address that moto listens at. */
export async function startMoto(python: string, host = "127.0.0.1"): Promise<Moto> {
  const program = await provideMoto(python);
  const child = spawn(program, [join(folder, "serve.py"), host], { stdio: ["pipe", "ignore", "pipe"] });
  const said: string[] = [];
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (said.length < 50) said.push(line);
      const found = /Running on http:\/\/[^:]+:(\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("error", reject);
    void ended.then(() => reject(new Error(`moto ended before it served:\n${said.join("\n")}`)));
  });
  // Neither keeps the tests from ending.
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  (child.stderr as unknown as { unref(): void }).unref();
  const endpoint = `http://${host}:${port}`;
  const options = { endpoint, region: motoRegion, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  return {
    endpoint,
    env: {
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: motoRegion,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    },
    s3: new S3Client({ ...options, forcePathStyle: true }),
    secrets: new SecretsManagerClient(options),
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** A Python that can make the environment moto is installed in. */
export async function findPython(): Promise<string | undefined> {
  const probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const name of ["python3", "python"]) {
    const { exitCode } = await run(name, ["-c", probe]).catch((): RunResult => ({
      exitCode: 1,
      stdout: "",
      stderr: "",
    }));
    if (exitCode === 0) return name;
  }
  return undefined;
}

/** Installs moto, once for each version, into an environment of its own in the cache. @returns its Python. */
async function provideMoto(python: string): Promise<string> {
  const { cacheRoot } = await import("../../tools/setup/places.mjs");
  const { withLock } = await import("../../tools/setup/lock.mjs");
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const place = join(cacheRoot(), `moto-${hash}`);
  const program = join(place, "bin", "python");
  const complete = join(place, "complete");
  await withLock(join(cacheRoot(), "moto.lock"), "moto", async () => {
    if (existsSync(complete)) return;
    await rm(place, { recursive: true, force: true });
    await must(python, ["-m", "venv", place]);
    await must(program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
    await writeFile(complete, "");
  });
  return program;
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await run(program, args);
  if (exitCode !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${exitCode}\n${stdout}${stderr}`);
}

/** Sets the environment of this process for as long as the test file runs. @returns what puts it back. */
export function withEnvironment(env: Readonly<Record<string, string>>): () => void {
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  Object.assign(process.env, env);
  return () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
