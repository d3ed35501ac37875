import { readdirSync, statSync } from "node:fs";
import { basename, join, posix } from "node:path";
import type { Client, SFTPWrapper, Stats } from "ssh2";
import { dial } from "./connection";
import type { CopyInputs } from "./inputs";
import type { RunContext } from "./local";

/**
 * Copies a file, a text or a directory to another host, over SFTP:
 *
 * | source | `remotePath` is a directory | is not there | is a file |
 * | --- | --- | --- | --- |
 * | `dir` | into `remotePath/dir` | into `remotePath/dir` | error |
 * | `dir/` | its content into `remotePath` | into `remotePath` | error |
 * | file | `remotePath/file` | `remotePath`, parents made | overwritten |
 * | text | error | `remotePath`, parents made | overwritten |
 *
 * @throws Error naming the path on the host and what failed.
 */
export async function copyToRemote(inputs: CopyInputs, context: RunContext): Promise<void> {
  const client = await dial(inputs.connection, context);
  const stop = () => client.destroy();
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    const remote = new RemoteFiles(await sftp(client));
    const { source, remotePath } = inputs;
    if (source.path !== undefined) await copyPath(remote, source.path, remotePath);
    else await copyText(remote, source.text ?? "", remotePath);
  } finally {
    context.signal.removeEventListener("abort", stop);
    client.end();
  }
}

async function copyText(remote: RemoteFiles, text: string, path: string): Promise<void> {
  if ((await remote.stat(path))?.isDirectory()) {
    throw new Error(`remote path ${path} is a directory; when using a text asset, remotePath must be a file path`);
  }
  await remote.makeDirectories(posix.dirname(path));
  await remote.write(path, text);
}

async function copyPath(remote: RemoteFiles, source: string, path: string): Promise<void> {
  const there = await remote.stat(path);
  if (!statSync(source).isDirectory()) {
    if (there?.isDirectory()) return remote.put(source, posix.join(path, basename(source)));
    if (there === undefined) await remote.makeDirectories(posix.dirname(path));
    return remote.put(source, path);
  }
  if (there === undefined) await remote.makeDirectories(path);
  await copyDirectory(remote, source, source.endsWith("/") ? path : posix.join(path, basename(source)));
}

async function copyDirectory(remote: RemoteFiles, source: string, path: string): Promise<void> {
  const there = await remote.stat(path);
  if (there === undefined) await remote.makeDirectory(path);
  else if (!there.isDirectory()) throw notADirectory(path);
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), posix.join(path, entry.name)];
    if (entry.isDirectory()) await copyDirectory(remote, from, to);
    else await remote.put(from, to);
  }
}

function sftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.once("close", () => reject(new Error("the connection was closed")));
    client.sftp((error, session) => (error ? reject(error) : resolve(session)));
  });
}

const noSuchFile = 2;

class RemoteFiles {
  constructor(private readonly session: SFTPWrapper) {}

  /** Nothing, if there is no such file. */
  stat(path: string): Promise<Stats | undefined> {
    return new Promise((resolve, reject) => {
      this.session.stat(path, (error, stats) => {
        if (!error) resolve(stats);
        else if ((error as { code?: unknown }).code === noSuchFile) resolve(undefined);
        else reject(failure(`failed to stat remote path ${path}`, error));
      });
    });
  }

  put(source: string, path: string): Promise<void> {
    return this.#do(`failed to copy file ${source} to remote path ${path}`, (done) =>
      this.session.fastPut(source, path, done),
    );
  }

  write(path: string, text: string): Promise<void> {
    return this.#do(`failed to write text content to remote path ${path}`, (done) =>
      this.session.writeFile(path, text, done),
    );
  }

  async makeDirectory(path: string): Promise<void> {
    try {
      await this.#do(`failed to create remote directory ${path}`, (done) => this.session.mkdir(path, done));
    } catch (error) {
      // Another copy that runs at the same time may have made it.
      if (!(await this.stat(path))?.isDirectory()) throw error;
    }
  }

  async makeDirectories(path: string): Promise<void> {
    const there = await this.stat(path);
    if (there?.isDirectory()) return;
    if (there !== undefined) throw notADirectory(path);
    await this.makeDirectories(posix.dirname(path));
    await this.makeDirectory(path);
  }

  #do(what: string, start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      // The session does not answer any more once the connection is gone.
      const gone = () => reject(new Error(`${what}: the connection was closed`));
      this.session.once("close", gone);
      start((error) => {
        this.session.removeListener("close", gone);
        if (error) reject(failure(what, error));
        else resolve();
      });
    });
  }
}

function notADirectory(path: string): Error {
  return new Error(`remote path ${path} exists but is not a directory`);
}

function failure(what: string, cause: Error): Error {
  return new Error(`${what}: ${cause.message}`, { cause });
}
