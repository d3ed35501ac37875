import { appendFile, chmod, chown, copyFile, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { serverAccount } from "../../../pipeline/local/account.js";
import { findBinaries } from "../../../pipeline/local/binaries.js";
import { type LocalCluster, databaseOf, ensureCluster } from "../../../pipeline/local/cluster.js";
import { stopServer } from "../../../pipeline/local/server.js";
import { silent } from "../../../pipeline/log.js";
import { maintenanceDatabase, withClient } from "../../../pipeline/postgres/connection.js";
import { markEnvironment } from "../../../pipeline/postgres/identity.js";
import { makeCertificate } from "../certificate.js";
import { fast } from "../postgres.js";

/** The database and the application's role of the stacks as they are shipped. */
export const shop = "happy_baby_style";
const application = { applicationName: "safe-migration test" };

async function cluster(directory: string): Promise<LocalCluster> {
  return ensureCluster({ directory, settings: fast, log: silent, signal: new AbortController().signal });
}

/** Rows of a query in a database of a cluster, as its superuser. */
export function ask<Row extends pg.QueryResultRow>(of: LocalCluster, sql: string, name = shop): Promise<Row[]> {
  return withClient(databaseOf(of, name), application, async (client) => (await client.query<Row>(sql)).rows);
}

/** A PostgreSQL as an RDS is seen from outside: TLS, a password, and an administrator that is no superuser. */
export interface RdsServer {
  readonly cluster: LocalCluster;
  /** PEM file of the authorities that signed its certificate. */
  readonly authorities: string;
}

export async function rdsServer(directory: string): Promise<RdsServer> {
  const { authority, certificate, key } = await makeCertificate(join(directory, "tls"), "127.0.0.1");
  const made = await cluster(join(directory, "cluster"));
  const { uid, gid } = await stat(made.data);
  for (const [from, name] of [
    [certificate, "tls.crt"],
    [key, "tls.key"],
  ] as const) {
    const path = join(made.data, name);
    await copyFile(from, path);
    await chown(path, uid, gid);
    await chmod(path, 0o600);
  }
  for (const setting of ["ssl_cert_file = 'tls.crt'", "ssl_key_file = 'tls.key'", "ssl = on"])
    await ask(made, `ALTER SYSTEM SET ${setting}`, maintenanceDatabase);
  // As rds.force_ssl has it; the test itself comes as the superuser, which an RDS has none of.
  const access = join(made.data, "pg_hba.conf");
  const lines = (await readFile(access, "utf8")).replace(/^host( +all +)all/m, "host$1postgres");
  await writeFile(access, `${lines}hostssl all all 127.0.0.1/32 scram-sha-256\n`);
  await ask(made, "SELECT pg_reload_conf()", maintenanceDatabase);
  return { cluster: made, authorities: authority };
}

/** What RDS does when it makes an instance. */
export async function makeMaster({ cluster: of }: RdsServer, password: string): Promise<void> {
  await ask(of, `CREATE ROLE pipeline LOGIN CREATEDB CREATEROLE PASSWORD '${password}'`, maintenanceDatabase);
  await ask(of, "GRANT pg_monitor, pg_signal_backend TO pipeline", maintenanceDatabase);
  await ask(of, `CREATE DATABASE ${shop} OWNER pipeline`, maintenanceDatabase);
}

/**
 * A PostgreSQL as user data sets it up on a host: a Unix socket in `socket`, where the pipeline is let in as itself. By trust
 * here, as the processes of this machine have one account; peer authentication is proved on hosts (`test/hosts`).
 */
export async function hostServer(directory: string, socket: string, environment: string): Promise<LocalCluster> {
  const made = await cluster(directory);
  const account = await serverAccount();
  await mkdir(socket);
  await chown(socket, account.uid, account.gid);
  await ask(made, `ALTER SYSTEM SET unix_socket_directories = '${socket}'`, maintenanceDatabase);
  await appendFile(join(made.data, "pg_hba.conf"), "local all pipeline trust\n");
  await stopServer({ data: made.data, account, binaries: await findBinaries(undefined) });
  const running = await cluster(directory);
  await symlink(`.s.PGSQL.${running.port}`, join(socket, ".s.PGSQL.5432"));
  for (const sql of [
    "CREATE ROLE pipeline LOGIN SUPERUSER",
    `CREATE ROLE ${shop} LOGIN`,
    `CREATE DATABASE ${shop} OWNER ${shop}`,
  ])
    await ask(running, sql, maintenanceDatabase);
  await withClient(databaseOf(running, shop), application, (client) => markEnvironment(client, shop, environment));
  return running;
}
