import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { CreateSecretCommand } from "@aws-sdk/client-secrets-manager";
import { type InlineProgramArgs, LocalWorkspace, type OutputMap } from "@pulumi/pulumi/automation";
import { databaseUserData, runnerUserData } from "../../../components/userData/hostUserData.js";
import { hostKeySecretValue } from "../../../components/userData/steps/ssh.js";
import { type Moto, findPython, motoRegion, startMoto } from "../moto.js";
import { type HostEnvironment, hostEnvironment } from "./environment.js";
import type { Hosts, TestHost } from "./hosts.js";
import { type KeyPair, keyPair } from "./keys.js";
import { type ManagedServer, authorityOnHost, startManagedServer } from "./managedServer.js";
import { Metadata } from "./metadata.js";
import { TlsFront } from "./tlsFront.js";
import "../ownConnections.js";

/** One environment with a host of its own. */
export interface Place {
  readonly name: string;
  readonly hostKey: KeyPair;
  readonly clientKey: KeyPair;
  /** Block device of its data volume; absent where the host only runs the pipeline. */
  readonly volume?: string;
  /** What its database is on, where that is not the host. */
  readonly server?: ManagedServer;
  readonly userData: string;
  machine: TestHost;
}

export interface UpResult {
  readonly ok: boolean;
  /** All that Pulumi printed. */
  readonly output: string;
  readonly outputs: OutputMap;
}

export const shop = { name: "happy_baby_style", owner: "happy_baby_style" };
const repository = resolve(__dirname, "../../..");
const bucket = "safe-migration-backups";

/** Environments on hosts of their own, with what AWS gives them: secrets and a bucket (moto), and an instance's credentials. */
export class Estate {
  /** Project and backend of the stacks. */
  stacks: { readonly name: string; readonly state: string } = { name: "hosts", state: "" };
  readonly #places = new Map<string, Place>();

  private constructor(
    readonly hosts: Hosts,
    readonly moto: Moto,
    readonly metadata: Metadata,
    readonly secure: TlsFront,
  ) {}

  /** @param python that moto runs on */
  static async start(hosts: Hosts, names: readonly string[], python: string): Promise<Estate> {
    const moto = await startMoto(python, hosts.address);
    const secure = await TlsFront.start(join(hosts.folder, "tls"), hosts.address, moto.endpoint);
    const estate = new Estate(hosts, moto, await Metadata.start(hosts.address), secure);
    await moto.s3.send(
      new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: motoRegion } }),
    );
    for (const folder of ["state", "work", "build"]) await mkdir(join(hosts.folder, folder));
    // Without the client, which is generated anew beside the copy of the schema.
    const filter = (source: string) => basename(source) !== "generated";
    await cp(join(repository, "prisma"), estate.project, { recursive: true, filter });
    const make = (name: string, at: number) =>
      name === "dev" ? estate.#makeManaged(name, at) : estate.#make(name, at);
    await Promise.all(names.map(async (name, at) => estate.#places.set(name, await make(name, 10 + 2 * at))));
    return estate;
  }

  /** Folder of the Prisma project that the environments are migrated to. */
  get project(): string {
    return join(this.hosts.folder, "project");
  }

  place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`there is no environment ${name}`);
    return place;
  }

  store(name: string): string {
    return `s3://${bucket}/${name}?region=${motoRegion}&endpoint=${encodeURIComponent(this.moto.endpoint)}`;
  }

  async addMigration(name: string, sql: string, down?: string): Promise<void> {
    const folder = join(this.project, "migrations", name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "migration.sql"), sql);
    if (down !== undefined) await writeFile(join(folder, "down.sql"), down);
  }

  removeMigration(name: string): Promise<void> {
    return rm(join(this.project, "migrations", name), { recursive: true });
  }

  /** Boots a machine of an environment, with what EC2 would give it. */
  bootMachine(name: string, number: number, userData: string, volume?: string): Promise<TestHost> {
    return this.hosts.boot(name, {
      userData,
      ...(volume === undefined ? {} : { volume }),
      number,
      metadata: this.metadata.url,
      environment: { AWS_REGION: motoRegion, AWS_ENDPOINT_URL_SECRETS_MANAGER: this.moto.endpoint },
    });
  }

  /** User data as the environment's stack would make it. */
  userData(name: string, hostKey: KeyPair, clientKey: KeyPair, device: string): string {
    return databaseUserData({
      ...this.#access(name, hostKey, clientKey),
      database: shop,
      dataVolume: { device },
      machine: { memoryMiB: 1024, vcpus: 2 },
      archive: {
        bucket,
        prefix: "archive",
        region: motoRegion,
        days: 14,
        endpoint: { host: this.hosts.address, port: this.secure.port, authorities: this.secure.authorities },
      },
    });
  }

  /** What user data of every host has. */
  #access(name: string, hostKey: KeyPair, clientKey: KeyPair) {
    return {
      environment: name,
      authorizedKeys: [clientKey.publicKey],
      hostKey: {
        secretId: `${name}-host-key`,
        publicKey: hostKey.publicKey,
        region: motoRegion,
        secretsManagerUrl: this.moto.endpoint,
      },
      leaveOut: ["ssm-agent"] as const,
    };
  }

  async hostKeySecret(name: string, hostKey: KeyPair): Promise<void> {
    await this.moto.secrets.send(
      new CreateSecretCommand({ Name: `${name}-host-key`, SecretString: hostKeySecretValue(hostKey.privateKey) }),
    );
  }

  /** The machine of an environment ends, with its disk; another one takes its place, with the volume. */
  async replaceMachine(name: string): Promise<void> {
    const place = this.place(name);
    const number = Number(place.machine.address.split(".").pop()) - 1;
    await place.machine.terminate();
    place.machine = await this.bootMachine(name, number, place.userData, place.volume);
  }

  /**
   * `pulumi up` of an environment's stack.
   *
   * @param changes what differs from the stack's own configuration
   * @param stackName another stack than the environment's own
   */
  async up(name: string, changes: Partial<HostEnvironment> = {}, stackName = name): Promise<UpResult> {
    const lines: string[] = [];
    const stack = await this.#stack(name, changes, stackName);
    try {
      const { outputs } = await stack.up({ onOutput: (text) => void lines.push(text), color: "never" });
      return { ok: true, output: lines.join(""), outputs };
    } catch {
      return { ok: false, output: lines.join(""), outputs: {} };
    }
  }

  /** An environment whose keys were made elsewhere. */
  async add(name: string, number: number, hostKey: KeyPair, clientKey: KeyPair): Promise<void> {
    const volume = await this.hosts.volume(name, 1024);
    await this.hostKeySecret(name, hostKey);
    const userData = this.userData(name, hostKey, clientKey, volume);
    const machine = await this.bootMachine(name, number, userData, volume);
    this.#places.set(name, { name, hostKey, clientKey, volume, userData, machine });
  }

  /** The state of an environment's stack, as it lies in the backend. */
  state(name: string): Promise<string> {
    return readFile(join(this.hosts.folder, "state/.pulumi/stacks/hosts", `${name}.json`), "utf8");
  }

  connection(name: string): HostEnvironment["connection"] {
    const { machine, hostKey, clientKey } = this.place(name);
    return { host: machine.address, hostKey: hostKey.publicKey, privateKey: clientKey.privateKey };
  }

  async stop(): Promise<void> {
    for (const { server } of this.#places.values()) await server?.stop();
    await this.metadata.stop();
    await this.moto.stop();
    await this.hosts.stop();
    this.secure.stop();
  }

  async #make(name: string, number: number): Promise<Place> {
    const [hostKey, clientKey, volume] = await Promise.all([
      keyPair(`${name} host`),
      keyPair(`pipeline of ${name}`),
      this.hosts.volume(name, 2048),
    ]);
    await this.hostKeySecret(name, hostKey);
    const userData = this.userData(name, hostKey, clientKey, volume);
    const machine = await this.bootMachine(name, number, userData, volume);
    return { name, hostKey, clientKey, volume, userData, machine };
  }

  /** An environment whose database is on a managed server, with a host that only runs the pipeline. */
  async #makeManaged(name: string, number: number): Promise<Place> {
    const [hostKey, clientKey, server] = await Promise.all([
      keyPair(`${name} host`),
      keyPair(`pipeline of ${name}`),
      startManagedServer(this.hosts.address, this.moto.secrets, shop),
    ]);
    await this.hostKeySecret(name, hostKey);
    const userData = runnerUserData({ ...this.#access(name, hostKey, clientKey), stopAfterMinutes: 60 });
    const machine = await this.bootMachine(name, number, userData);
    await machine.run(`cat >${authorityOnHost}`, { stdin: server.authority });
    return { name, hostKey, clientKey, server, userData, machine };
  }

  async #stack(name: string, changes: Partial<HostEnvironment>, stackName: string) {
    const workDir = join(this.hosts.folder, "work", stackName);
    await mkdir(workDir, { recursive: true });
    const { server } = this.place(name);
    const program = hostEnvironment({
      environment: name,
      connection: this.connection(name),
      instance: this.place(name).machine.id,
      database: shop,
      project: this.project,
      build: join(this.hosts.folder, "build", stackName),
      store: this.store(name),
      readySeconds: 120,
      sample: { users: 300, orders: 1500 },
      ...(server === undefined ? {} : { server }),
      ...changes,
    });
    const where: InlineProgramArgs = { stackName, projectName: this.stacks.name, program };
    return LocalWorkspace.createOrSelectStack(where, {
      workDir,
      envVars: {
        PULUMI_BACKEND_URL: `file://${this.stacks.state || join(this.hosts.folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "of the test",
        PULUMI_CONFIG_PASSPHRASE_FILE: "",
        SSH_AUTH_SOCK: "",
      },
    });
  }
}

/** The estate of a test file; skips its tests, saying why, where there is no Python to run moto with. */
export async function estateOrSkip(context: Mocha.Context, hosts: Hosts, names: readonly string[]): Promise<Estate> {
  const python = await findPython();
  if (python !== undefined) return Estate.start(hosts, names, python);
  process.stderr.write("      skipped: Python 3.10 or newer with its venv module is not here\n");
  await hosts.stop();
  return context.skip();
}
