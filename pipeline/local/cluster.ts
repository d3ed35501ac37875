import { mkdir, realpath } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { StageContext } from "../context.js";
import type { Database } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { withClient, maintenanceDatabase } from "../postgres/connection.js";
import { serverAccount, type Account } from "./account.js";
import { findBinaries } from "./binaries.js";
import { explained, ifThere } from "./files.js";
import { initialise, superuser } from "./initialise.js";
import { withDirectoryLock } from "./lock.js";
import { elsewhereFor, findData, homeOf, prepareHome, removePartial, setAside, type FoundData } from "./location.js";
import { requireOurs } from "./ours.js";
import { newPassword, passfilePath, readPassfile, writePassfile } from "./passfile.js";
import { freePort, isFree, localHost, portInUse } from "./port.js";
import { readRecord, writeRecord, type ClusterRecord } from "./record.js";
import { runningServer, startServer, stopServer, type Server } from "./server.js";
import { writeSettings, type ServerSettings } from "./settings.js";

/** A PostgreSQL cluster of the stack's own, running. */
export interface LocalCluster {
  /** Holds `cluster.json`, `pgpass`, `data` and `server.log`. */
  readonly directory: string;
  /** The data folder's real path. */
  readonly data: string;
  readonly host: string;
  readonly port: number;
  /** The superuser, as whom the pipeline connects. */
  readonly user: string;
  /** The libpq password file with the passwords of all its roles. */
  readonly passfile: string;
  readonly systemIdentifier: string;
  /** E.g. `15.14`. */
  readonly version: string;
  /** Folder of the PostgreSQL programs of its version. */
  readonly binaries: string;
  /** The server's log. */
  readonly log: string;
  /** What had to be done: `made` and started, `started`, or nothing because it was `running`. */
  readonly was: "made" | "started" | "running";
}

export interface ClusterOptions extends StageContext {
  /** Absolute path; made if it is not there. */
  readonly directory: string;
  /** @default 0: a free one, chosen once and kept */
  readonly port?: number;
  /** Folder of the PostgreSQL programs. @default where this machine has them */
  readonly binaries?: string;
  /** Server settings besides this tool's own, as in `postgresql.conf`; they hold from the next start on. */
  readonly settings?: ServerSettings;
}

/**
 * Brings up the cluster of a directory: made on the first call, started where it is not running, as it is where it runs.
 * Two processes at once share one; what a crash left is cleared or gone on from; a cluster made by anybody else, or that
 * was here and is gone, is refused.
 *
 * @throws PipelineError
 */
export async function ensureCluster(options: ClusterOptions): Promise<LocalCluster> {
  const directory = await openDirectory(options.directory);
  return withDirectoryLock(directory, options, async () => {
    const account = await serverAccount();
    const data = await findData(directory);
    const record = await readRecord(directory);
    if (data === undefined && record === undefined) return make(directory, account, options);
    const ours = requireOurs(directory, { data, record, account });
    const known = record ?? (await adopt(directory, ours, account, options));
    return bringUp(directory, ours, known, account, options);
  });
}

async function openDirectory(directory: string): Promise<string> {
  if (!isAbsolute(directory)) throw new TypeError(`not an absolute path: ${directory}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    return await realpath(directory);
  } catch (error) {
    throw explained(error, directory);
  }
}

async function make(directory: string, account: Account, options: ClusterOptions): Promise<LocalCluster> {
  const binaries = await findBinaries(options.binaries);
  const home = await homeOf(directory, account);
  if (home !== directory) {
    options.log.info(
      `The user ${account.name} may not enter ${directory}: the data goes to ${home}, linked from there.`,
    );
    await setOrphanAside(directory, home, account, options);
  }
  await prepareHome(directory, home, account);
  await removePartial(home);
  const port = await portFor(directory, options.port);
  const password = newPassword();
  const madeAt = new Date().toISOString();
  const systemIdentifier = await initialise(
    { home, account, binaries, port, password, settings: options.settings ?? {} },
    options,
    () => writePassfile(directory, localHost, port, new Map([[superuser, password]])),
  );
  const { version } = binaries;
  const record = await recordNew(directory, { systemIdentifier, version, port, account: account.name, madeAt });
  const data = requireOurs(directory, { data: await findData(directory), record, account });
  return { ...(await bringUp(directory, data, record, account, options)), was: "made" };
}

/** A cluster of a checkout that was at this path and is gone: nobody has its passwords, but somebody may want its data. */
async function setOrphanAside(directory: string, home: string, account: Account, { log }: StageContext): Promise<void> {
  if (home !== elsewhereFor(directory)) return;
  const orphan = await ifThere(realpath(join(home, "data")));
  if (orphan === undefined) return;
  const found = await findData(home);
  if (found?.major !== undefined && (await runningServer(orphan)) !== undefined)
    await stopServer({ data: orphan, account, binaries: await findBinaries(undefined, found.major) });
  log.warn(`The cluster of an earlier checkout at this path was set aside, as ${await setAside(home, new Date())}.`);
}

/** The record of a cluster whose making was interrupted right before it was written. */
async function adopt(
  directory: string,
  data: OwnData,
  account: Account,
  options: ClusterOptions,
): Promise<ClusterRecord> {
  const { version } = await findBinaries(options.binaries, data.major);
  const known = await readPassfile(directory);
  const port = known?.port ?? (await portFor(directory, options.port));
  const madeAt = new Date().toISOString();
  const { systemIdentifier } = data;
  return recordNew(directory, { systemIdentifier, version, port, account: account.name, madeAt });
}

/** The record of a cluster that has no database yet. */
async function recordNew(
  directory: string,
  known: Omit<ClusterRecord, "format" | "databases">,
): Promise<ClusterRecord> {
  const record: ClusterRecord = { format: 1, ...known, databases: {} };
  await writeRecord(directory, record);
  return record;
}

type OwnData = FoundData & { readonly systemIdentifier: string; readonly major: number };

async function bringUp(
  directory: string,
  data: OwnData,
  record: ClusterRecord,
  account: Account,
  options: ClusterOptions,
): Promise<LocalCluster> {
  const binaries = await findBinaries(options.binaries, data.major);
  const home = await homeOf(directory, account);
  const server: Server = { data: data.path, log: join(home, "server.log"), account, binaries };
  const running = await runningServer(data.path);
  const wanted = options.port === undefined || options.port === 0 ? undefined : options.port;
  let port = running?.port ?? record.port;
  let was: LocalCluster["was"] = "running";
  if (running !== undefined && wanted !== undefined && wanted !== port) {
    if (!(await isFree(wanted))) throw await portInUse(wanted);
    options.log.info(`Restarting the local server, to move it from port ${port} to the configured port ${wanted}.`);
    await stopServer(server);
    port = await start(directory, server, wanted, wanted, options);
    was = "started";
  } else if (running === undefined) {
    port = await start(directory, server, wanted ?? port, wanted, options);
    was = "started";
  }
  await keepPort(directory, record, port);
  const cluster: LocalCluster = {
    directory,
    data: data.path,
    host: localHost,
    port,
    user: superuser,
    passfile: passfilePath(directory),
    systemIdentifier: data.systemIdentifier,
    version: binaries.version,
    binaries: binaries.directory,
    log: server.log,
    was,
  };
  await proveIdentity(cluster);
  return cluster;
}

/** How often another port is tried when something takes the chosen one between the look and the start. */
const portTries = 5;

async function start(
  directory: string,
  server: Server,
  preferred: number,
  wanted: number | undefined,
  options: ClusterOptions,
): Promise<number> {
  const tried = new Set<number>();
  for (let port = preferred; ; port = await freePort(directory, tried)) {
    tried.add(port);
    if (await isFree(port)) {
      await writeSettings(server.data, server.account, port, options.settings ?? {});
      options.log.info(`Starting PostgreSQL ${server.binaries.version} on ${localHost}:${port}.`);
      if ((await startServer(server, options)) === "started") return port;
    }
    if (wanted !== undefined || tried.size > portTries) throw await portInUse(port);
    options.log.warn(`Port ${port}, which the local server had, is in use by another program; taking another one.`);
  }
}

/** Record and password file follow the port; written only where it changed, or an interrupted run had not done so. */
async function keepPort(directory: string, record: ClusterRecord, port: number): Promise<void> {
  const known = await readPassfile(directory);
  if (known !== undefined && known.port !== port) await writePassfile(directory, localHost, port, known.passwords);
  if (record.port !== port) await writeRecord(directory, { ...record, port });
}

async function portFor(directory: string, wanted: number | undefined): Promise<number> {
  if (wanted === undefined || wanted === 0) return freePort(directory);
  if (await isFree(wanted)) return wanted;
  throw await portInUse(wanted);
}

/** A database of the cluster, as the pipeline connects to it. */
export function databaseOf(
  cluster: Pick<LocalCluster, "host" | "port" | "user" | "passfile">,
  name: string,
  migrateAs?: string,
): Database {
  const { host, port, user, passfile } = cluster;
  return {
    host,
    port,
    name,
    user,
    password: { from: "passfile", path: passfile },
    ...(migrateAs === undefined ? {} : { migrateAs }),
  };
}

/** What answers on the port must be this cluster and no other. */
async function proveIdentity(cluster: LocalCluster): Promise<void> {
  const answered = await withClient(
    databaseOf(cluster, maintenanceDatabase),
    { applicationName: "safe-migration local" },
    async (client) => {
      const { rows } = await client.query<{ id: string }>(
        "SELECT system_identifier::text AS id FROM pg_control_system()",
      );
      return rows[0]?.id;
    },
  );
  if (answered === cluster.systemIdentifier) return;
  throw new PipelineError({
    code: "WRONG_CLUSTER",
    kind: "refused",
    message: `The server at ${cluster.host}:${cluster.port} is not the cluster of ${cluster.directory}: its system identifier is ${answered ?? "unknown"}, not ${cluster.systemIdentifier}.`,
    state: "Nothing was changed.",
    next: "Stop that server or configure another port, then run: npm start",
  });
}
