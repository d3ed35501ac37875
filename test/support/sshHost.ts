import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { connect } from "node:net";
import { Server, utils, type AuthContext, type Connection, type SFTPWrapper } from "ssh2";

declare module "ssh2" {
  interface Connection {
    /** Which the types leave out. */
    setNoDelay(noDelay: boolean): this;
  }
}

export interface SshHostOptions {
  readonly user: string;
  /** What lets the user in: a password, or the public half of a key. */
  readonly password?: string;
  readonly publicKey?: string;
  /** @default a new one */
  readonly hostPrivateKey?: string;
  /** Which variables the host takes from a client, as sshd's AcceptEnv. */
  readonly acceptEnv: RegExp;
  /** What commands find in their environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Folders of the host, each with the folder of this machine that it is in truth. @default none: those of this machine */
  readonly folders?: Readonly<Record<string, string>>;
}

function publicLine(privateKey: string): string {
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  return `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`;
}

/** An SSH server in this process: commands run here, SFTP works on this machine's files, connections are forwarded. */
export class SshHost {
  /** The commands that were run. */
  readonly commands: string[] = [];
  forwards = 0;
  port = 0;
  readonly hostKey: string;
  #server: Server | undefined;
  readonly #connections = new Set<Connection>();
  readonly #key: string;

  private constructor(private readonly options: SshHostOptions) {
    this.#key = options.hostPrivateKey ?? utils.generateKeyPairSync("ed25519").private;
    this.hostKey = publicLine(this.#key);
  }

  static async start(options: SshHostOptions): Promise<SshHost> {
    const host = new SshHost(options);
    await host.listen();
    return host;
  }

  /** A host key that is no server's. */
  static otherKey(): string {
    return utils.generateKeyPairSync("ed25519").public;
  }

  listen(): Promise<void> {
    const server = new Server({ hostKeys: [this.#key] }, (connection) => this.#serve(connection));
    this.#server = server;
    return new Promise((resolve) => {
      server.listen(this.port, "127.0.0.1", () => {
        this.port = (server.address() as { port: number }).port;
        resolve();
      });
    });
  }

  stop(): Promise<void> {
    for (const connection of this.#connections) connection.end();
    const server = this.#server;
    this.#server = undefined;
    return new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  #serve(connection: Connection): void {
    this.#connections.add(connection);
    connection.on("error", () => undefined);
    // As OpenSSH's server does.
    connection.setNoDelay(true);
    connection.on("close", () => this.#connections.delete(connection));
    connection.on("authentication", (attempt) => {
      const { user, password, publicKey } = this.options;
      if (attempt.username === user && isLetIn(attempt, password, publicKey)) attempt.accept();
      else attempt.reject([publicKey === undefined ? "password" : "publickey"]);
    });
    connection.on("tcpip", (accept, _reject, { destIP, destPort }) => {
      this.forwards++;
      const channel = accept();
      const socket = connect(destPort, destIP);
      channel.pipe(socket).pipe(channel);
      for (const end of [channel, socket]) end.on("error", () => undefined);
    });
    connection.on("session", (accept) => {
      const session = accept();
      const env: Record<string, string> = {};
      session.on("env", (acceptEnv, rejectEnv, { key, val }) => {
        if (this.options.acceptEnv.test(key)) {
          env[key] = val;
          acceptEnv?.();
        } else rejectEnv?.();
      });
      session.on("exec", (acceptExec, _reject, { command }) => {
        this.commands.push(command);
        const channel = acceptExec();
        const child = spawn("/bin/sh", ["-c", this.#here(command)], {
          env: { ...process.env, ...this.options.environment, ...env },
        });
        const input: Buffer[] = [];
        channel.on("data", (chunk: Buffer) => void input.push(chunk));
        channel.on("end", () => child.stdin.end(this.#here(Buffer.concat(input).toString("utf8"))));
        child.stdin.on("error", () => undefined);
        child.stdout.on("data", (chunk: Buffer) => channel.write(chunk));
        child.stderr.on("data", (chunk: Buffer) => channel.stderr.write(chunk));
        child.on("close", (code) => {
          channel.exit(code ?? 255);
          channel.end();
        });
      });
      session.on("sftp", (acceptSftp) => serveFiles(acceptSftp(), (path) => this.#here(path)));
    });
  }

  /** A text with the host's folders as they are on this machine. */
  #here(words: string): string {
    return Object.entries(this.options.folders ?? {}).reduce((done, [from, to]) => done.replaceAll(from, to), words);
  }
}

function isLetIn(attempt: AuthContext, password: string | undefined, publicKey: string | undefined): boolean {
  if (attempt.method === "password") return password !== undefined && attempt.password === password;
  if (attempt.method !== "publickey" || publicKey === undefined) return false;
  const known = utils.parseKey(publicKey);
  if (known instanceof Error) throw known;
  if (!known.getPublicSSH().equals(attempt.key.data)) return false;
  // A client asks first whether a key would do, and signs then.
  const { signature, blob, hashAlgo } = attempt;
  return signature === undefined || blob === undefined || known.verify(blob, signature, hashAlgo) === true;
}

const { STATUS_CODE } = utils.sftp;

function serveFiles(sftp: SFTPWrapper, here: (path: string) => string): void {
  const handle = (fd: number) => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(fd);
    return buffer;
  };
  const answer = (id: number, work: () => void) => {
    try {
      work();
      sftp.status(id, STATUS_CODE.OK);
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      sftp.status(id, missing ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE);
    }
  };
  const stat = (id: number, path: string) => {
    const found = fs.statSync(here(path), { throwIfNoEntry: false });
    if (found === undefined) sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    else {
      const { mode, uid, gid, size } = found;
      sftp.attrs(id, { mode, uid, gid, size, atime: found.atimeMs / 1000, mtime: found.mtimeMs / 1000 });
    }
  };
  sftp.on("OPEN", (id, path, flags) => {
    try {
      sftp.handle(id, handle(fs.openSync(here(path), utils.sftp.flagsToString(flags) ?? "r")));
    } catch {
      sftp.status(id, STATUS_CODE.FAILURE);
    }
  });
  sftp.on("WRITE", (id, fd, offset, data) =>
    answer(id, () => void fs.writeSync(fd.readUInt32BE(0), data, 0, data.length, offset)),
  );
  sftp.on("CLOSE", (id, fd) => answer(id, () => fs.closeSync(fd.readUInt32BE(0))));
  sftp.on("FSETSTAT", (id) => sftp.status(id, STATUS_CODE.OK));
  sftp.on("FSTAT", (id, fd) => {
    const { mode, uid, gid, size } = fs.fstatSync(fd.readUInt32BE(0));
    sftp.attrs(id, { mode, uid, gid, size, atime: 0, mtime: 0 });
  });
  sftp.on("MKDIR", (id, path) => answer(id, () => fs.mkdirSync(here(path))));
  // A client that closes its half waits for the other to be closed.
  sftp.on("end", () => sftp.end());
  sftp.on("STAT", stat);
  sftp.on("LSTAT", stat);
  sftp.on("REALPATH", (id, path) =>
    sftp.name(id, [
      { filename: path, longname: path, attrs: { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 } },
    ]),
  );
}
