import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { connect } from "node:net";
import { Server, utils, type Connection, type SFTPWrapper } from "ssh2";

export interface SshHostOptions {
  readonly user: string;
  readonly password: string;
  /** Which variables the host takes from a client, as sshd's AcceptEnv. */
  readonly acceptEnv: RegExp;
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
    this.#key = utils.generateKeyPairSync("ed25519").private;
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
    connection.on("close", () => this.#connections.delete(connection));
    connection.on("authentication", (attempt) => {
      const { user, password } = this.options;
      if (attempt.method === "password" && attempt.username === user && attempt.password === password) attempt.accept();
      else attempt.reject(["password"]);
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
        const child = spawn("/bin/sh", ["-c", command], { env: { ...process.env, ...env } });
        channel.pipe(child.stdin);
        child.stdin.on("error", () => undefined);
        child.stdout.on("data", (chunk: Buffer) => channel.write(chunk));
        child.stderr.on("data", (chunk: Buffer) => channel.stderr.write(chunk));
        child.on("close", (code) => {
          channel.exit(code ?? 255);
          channel.end();
        });
      });
      session.on("sftp", (acceptSftp) => serveFiles(acceptSftp()));
    });
  }
}

const { STATUS_CODE } = utils.sftp;

function serveFiles(sftp: SFTPWrapper): void {
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
    const found = fs.statSync(path, { throwIfNoEntry: false });
    if (found === undefined) sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    else {
      const { mode, uid, gid, size } = found;
      sftp.attrs(id, { mode, uid, gid, size, atime: found.atimeMs / 1000, mtime: found.mtimeMs / 1000 });
    }
  };
  sftp.on("OPEN", (id, path, flags) => {
    try {
      sftp.handle(id, handle(fs.openSync(path, utils.sftp.flagsToString(flags) ?? "r")));
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
  sftp.on("MKDIR", (id, path) => answer(id, () => fs.mkdirSync(path)));
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
