import { randomBytes } from "node:crypto";
import { appendFile, chown, cp, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import {
  CreateDBInstanceCommand,
  CreateDBParameterGroupCommand,
  DescribeDBInstancesCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { type Account, serverAccount } from "../../../pipeline/local/account.js";
import { type Binaries, findBinaries } from "../../../pipeline/local/binaries.js";
import { type LocalCluster, databaseOf } from "../../../pipeline/local/cluster.js";
import { runningServer, startServer, stopServer } from "../../../pipeline/local/server.js";
import type { Database } from "../../../pipeline/contracts.js";
import { silent } from "../../../pipeline/log.js";
import {
  libpqEnvironment,
  maintenanceDatabase,
  readPassword,
  withClient,
} from "../../../pipeline/postgres/connection.js";
import { inertParameters } from "../../../pipeline/rds/inertParameters.js";
import { run } from "../../../pipeline/process.js";
import { freePort } from "../application/freePort.js";
import { ask, makeMaster, rdsServer, shop } from "../aws/servers.js";
import { type Moto, motoRegion } from "../moto.js";
import type { Refusal } from "./standIn.js";
import type { Behind } from "./xml.js";

/** Name of the parameter group of copies. */
export const copyParameters = "copy-parameters";
const passwordVariable = "RDS_STAND_IN_SUPERUSER";
const context = { log: silent, signal: new AbortController().signal };

interface Kept {
  status: string;
  readonly data: string;
}

interface Running extends Kept {
  port: number;
  superuser: Database;
}

/** An instance of the test's own, with its database. */
export interface OwnInstance {
  readonly name: string;
  /** As the pipeline reaches it. */
  readonly database: Database;
  /** As nobody reaches RDS. */
  readonly superuser: Database;
}

/** The PostgreSQL servers and copies behind the names that {@link RdsStandIn} answers with. */
export class Estate implements Behind {
  readonly #instances = new Map<string, Running>();
  readonly #snapshots = new Map<string, Kept>();
  readonly #client: RDSClient;
  readonly #work: Promise<void>[] = [];
  #archived: { readonly of: string; readonly base: string; readonly log: string; readonly since: Date } | undefined;
  #altering = "";
  /** Has DB snapshots and instances wait, as they are made, until it is called. */
  slow: Promise<void> = Promise.resolve();

  constructor(
    private readonly moto: Moto,
    private readonly directory: string,
  ) {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    this.#client = new RDSClient({ endpoint: moto.endpoint, region: motoRegion, credentials });
  }

  instance(name: string): Running | undefined {
    return this.#instances.get(name);
  }

  snapshot(name: string): Kept | undefined {
    return this.#snapshots.get(name);
  }

  /** Names of the instances whose server runs. */
  async running(): Promise<string[]> {
    const names: string[] = [];
    for (const [name, { data }] of this.#instances) if (await runningServer(data)) names.push(name);
    return names.sort();
  }

  get snapshots(): string[] {
    return [...this.#snapshots.keys()].sort();
  }

  windowOf(name: string): { earliest: Date; latest: Date } | undefined {
    return this.#archived?.of === name ? { earliest: this.#archived.since, latest: new Date() } : undefined;
  }

  /** Makes an instance as a stack has one, with its administrator's password in a secret. @param archived its log is kept */
  async make(name: string, { archived = false } = {}): Promise<OwnInstance> {
    const server = await rdsServer(join(this.directory, name));
    const { cluster } = server;
    await appendFile(join(cluster.data, "pg_hba.conf"), "host replication postgres 127.0.0.1/32 scram-sha-256\n");
    await ask(cluster, "SELECT pg_reload_conf()", maintenanceDatabase);
    const password = randomBytes(12).toString("hex");
    await makeMaster(server, password);
    const secret = await this.moto.secrets.send(
      new CreateSecretCommand({
        Name: `rds!db-${name}-${randomBytes(3).toString("hex")}`,
        SecretString: JSON.stringify({ username: "pipeline", password }),
      }),
    );
    const superuser = databaseOf(cluster, shop);
    this.#instances.set(name, { status: "available", data: cluster.data, port: cluster.port, superuser });
    await this.#client
      .send(
        new CreateDBParameterGroupCommand({
          DBParameterGroupName: copyParameters,
          DBParameterGroupFamily: "postgres17",
          Description: "of copies",
        }),
      )
      .catch(() => undefined);
    await this.#client.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: name,
        DBInstanceClass: "db.t4g.micro",
        Engine: "postgres",
        EngineVersion: "17.2",
        AllocatedStorage: 20,
        StorageEncrypted: true,
        MasterUsername: "pipeline",
        MasterUserPassword: "not-this-one",
      }),
    );
    if (archived) await this.#archive(name, cluster);
    return {
      name,
      superuser,
      database: {
        ...{ host: "127.0.0.1", port: cluster.port, name: shop, user: "pipeline" },
        password: { from: "secretsManager", arn: secret.ARN ?? "" },
        tls: { ca: server.authorities },
        rds: { instance: name, region: motoRegion, copyParameters },
      },
    };
  }

  /** What RDS would refuse by the state of what is there. */
  refusal(action: string, parameters: URLSearchParams): Promise<Refusal | undefined> {
    const snapshot = this.#snapshots.get(parameters.get("DBSnapshotIdentifier") ?? "");
    const state = (what: string, status: string, code: string): Refusal => ({ code, message: `${what} is ${status}` });
    if (action === "DeleteDBSnapshot" && snapshot !== undefined && snapshot.status !== "available")
      return Promise.resolve(state("the snapshot", snapshot.status, "InvalidDBSnapshotState"));
    const instance = this.#instances.get(parameters.get("DBInstanceIdentifier") ?? "");
    if (["CreateDBSnapshot", "DeleteDBInstance"].includes(action) && instance?.status === "creating")
      return Promise.resolve(state("the instance", instance.status, "InvalidDBInstanceState"));
    return Promise.resolve(undefined);
  }

  /** Does for real what moto has taken note of. */
  async act(action: string, parameters: URLSearchParams): Promise<void> {
    const of = (name: string) => parameters.get(name) ?? "";
    const instance = of("DBInstanceIdentifier");
    switch (action) {
      case "CreateDBSnapshot":
        return this.#begin(this.#takeSnapshot(instance, of("DBSnapshotIdentifier")));
      case "DeleteDBSnapshot": {
        const gone = this.#snapshots.get(of("DBSnapshotIdentifier"));
        this.#snapshots.delete(of("DBSnapshotIdentifier"));
        return gone === undefined ? undefined : rm(gone.data, { recursive: true });
      }
      case "RestoreDBInstanceFromDBSnapshot": {
        const from = this.#snapshots.get(of("DBSnapshotIdentifier"));
        if (from === undefined) throw new Error("there is no such snapshot");
        return this.#begin(this.#restore(instance, from.data, of("DBParameterGroupName"), []), instance);
      }
      case "RestoreDBInstanceToPointInTime":
        return this.#begin(
          this.#restoreMoment(of("TargetDBInstanceIdentifier"), of("RestoreTime"), of("DBParameterGroupName")),
          of("TargetDBInstanceIdentifier"),
        );
      case "DeleteDBInstance": {
        const gone = this.#instances.get(instance);
        this.#instances.delete(instance);
        if (gone === undefined) return;
        await this.#stopServer(gone.data);
        return rm(gone.data, { recursive: true, force: true });
      }
    }
  }

  /** Has the instance of the test's own be in another state. */
  say(status: string): void {
    const [own] = this.#instances.values();
    if (own !== undefined) own.status = status;
  }

  /** Has the next instance that is restored hold something else than it should. */
  alter(sql: string): void {
    this.#altering = sql;
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#work);
    for (const { data } of this.#instances.values()) await this.#stopServer(data).catch(() => undefined);
    this.#client.destroy();
  }

  /** It goes on while requests are answered; only that it has begun is waited for. */
  #begin(work: Promise<void>, name = ""): void {
    this.#work.push(
      work.catch((error: unknown) => {
        process.stderr.write(`stand-in for RDS: ${String(error)}\n`);
        const made = this.#instances.get(name);
        if (made !== undefined) made.status = "failed";
      }),
    );
  }

  async #takeSnapshot(of: string, name: string): Promise<void> {
    const from = this.#instances.get(of);
    if (from === undefined) throw new Error(`there is no instance ${of}`);
    const kept: Kept = { status: "creating", data: join(this.directory, `snapshot-${name}`) };
    this.#snapshots.set(name, kept);
    const { slow } = this;
    await slow;
    await this.#copyOf(from.superuser, kept.data);
    kept.status = "available";
  }

  async #copyOf(superuser: Database, into: string): Promise<void> {
    const { directory } = await findBinaries(undefined);
    const env = await libpqEnvironment(superuser);
    const args = ["--pgdata", into, "--checkpoint=fast", "--no-sync", "--wal-method=stream", "--no-password"];
    const { exitCode, stderr } = await run(join(directory, "pg_basebackup"), args, { env });
    if (exitCode !== 0) throw new Error(`pg_basebackup: ${stderr}`);
  }

  async #restore(
    name: string,
    from: string,
    group: string,
    recovery: readonly string[],
    before = () => Promise.resolve(),
  ): Promise<void> {
    const original = [...this.#instances.values()][0]?.superuser;
    if (original === undefined) throw new Error("there is no instance");
    const data = join(this.directory, name);
    const made: Running = { status: "creating", data, port: 0, superuser: original };
    // At once: moto says that it is there already.
    this.#instances.set(name, made);
    const account = await serverAccount();
    const port = await freePort();
    // The passfile knows the original's port only.
    process.env[passwordVariable] = (await readPassword(original.password, original)) ?? "";
    made.port = port;
    made.superuser = { ...original, port, password: { from: "environment", variable: passwordVariable } };
    await before();
    await this.slow;
    await cp(from, data, { recursive: true, verbatimSymlinks: true });
    const parameters = group === copyParameters ? Object.entries(inertParameters) : [];
    const settings = [
      `port = ${port}`,
      "archive_mode = off",
      ...parameters.map(([key, value]) => `${key} = '${value}'`),
      ...recovery,
    ];
    await appendFile(join(data, "postgresql.auto.conf"), `${settings.join("\n")}\n`);
    if (recovery.length > 0) await writeFile(join(data, "recovery.signal"), "");
    await give(data, account);
    const server = { data, log: `${data}.log`, account, binaries: await findBinaries(undefined) };
    if ((await startServer(server, context)) !== "started") throw new Error("its port is taken");
    await this.#setPassword(name, made);
    if (this.#altering !== "")
      await withClient(made.superuser, { applicationName: "stand-in" }, (client) => client.query(this.#altering));
    this.#altering = "";
    made.status = "available";
  }

  async #restoreMoment(name: string, time: string, group: string): Promise<void> {
    if (this.#archived === undefined) throw new Error("nothing is archived");
    const { of, base, log } = this.#archived;
    const recovery = [
      `restore_command = 'cp "${log}/%f" "%p"'`,
      `recovery_target_time = '${time.replace("T", " ").replace("Z", "+00")}'`,
      "recovery_target_action = promote",
    ];
    await this.#restore(name, base, group, recovery, () => this.#sendLog(of));
  }

  /** As RDS sends its log away every few minutes. */
  async #sendLog(of: string): Promise<void> {
    const superuser = this.#instances.get(of)?.superuser;
    if (superuser === undefined) throw new Error("there is no instance");
    await withClient(superuser, { applicationName: "stand-in" }, async (client) => {
      await client.query("SELECT pg_current_xact_id()");
      const { rows } = await client.query<{ file: string }>("SELECT pg_walfile_name(pg_switch_wal()) AS file");
      const there = "SELECT FROM pg_stat_archiver WHERE last_archived_wal >= $1";
      while ((await client.query(there, [rows[0]?.file])).rowCount === 0) await sleep(50);
    });
  }

  /** As `ManageMasterUserPassword` has it: a new password, in the secret that moto has made. */
  async #setPassword(name: string, { superuser }: Running): Promise<void> {
    const { DBInstances: [found] = [] } = await this.#client.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }),
    );
    const secret = found?.MasterUserSecret?.SecretArn;
    if (secret === undefined) return;
    const password = randomBytes(12).toString("hex");
    await withClient(superuser, { applicationName: "stand-in", database: maintenanceDatabase }, async (client) => {
      const recovering = "SELECT FROM pg_is_in_recovery() AS recovering WHERE recovering";
      while ((await client.query(recovering)).rowCount !== 0) await sleep(50);
      await client.query(`ALTER ROLE pipeline PASSWORD '${password}'`);
    });
    const SecretString = JSON.stringify({ username: "pipeline", password });
    await this.moto.secrets.send(new PutSecretValueCommand({ SecretId: secret, SecretString }));
  }

  async #archive(name: string, cluster: LocalCluster): Promise<void> {
    const account = await serverAccount();
    const log = join(this.directory, `${name}-log`);
    await mkdir(log);
    await chown(log, account.uid, account.gid);
    const superuser = databaseOf(cluster, maintenanceDatabase);
    await ask(cluster, "ALTER SYSTEM SET archive_mode = on", maintenanceDatabase);
    await ask(cluster, `ALTER SYSTEM SET archive_command = 'cp "%p" "${log}/%f"'`, maintenanceDatabase);
    const binaries: Binaries = await findBinaries(undefined);
    await stopServer({ data: cluster.data, account, binaries });
    await startServer({ data: cluster.data, log: cluster.log, account, binaries }, context);
    const base = join(this.directory, `${name}-base`);
    await this.#copyOf(superuser, base);
    this.#archived = { of: name, base, log, since: new Date() };
  }

  async #stopServer(data: string): Promise<void> {
    await stopServer({ data, account: await serverAccount(), binaries: await findBinaries(undefined) }, "immediate");
  }
}

/** Everything in a folder, the server's account's own. */
async function give(folder: string, { uid, gid }: Account): Promise<void> {
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry);
    if ((await stat(path).catch(() => undefined)) !== undefined) await chown(path, uid, gid);
  }
}
