import { randomBytes } from "node:crypto";
import { appendFile, chmod, chown, copyFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CreateSecretCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Database } from "../../../pipeline/contracts.js";
import { databaseOf, ensureCluster } from "../../../pipeline/local/cluster.js";
import { stopCluster } from "../../../pipeline/local/stop.js";
import { silent } from "../../../pipeline/log.js";
import { maintenanceDatabase, withClient } from "../../../pipeline/postgres/connection.js";
import { makeCertificate } from "../certificate.js";
import { discard, fast, temporaryDirectory } from "../postgres.js";

/** A managed server as RDS gives one, for what is in `hosts/` to reach over the network. */
export interface ManagedServer {
  /** As its administrator reaches it, who is no superuser; `tls.ca` is for whoever has {@link authority} there. */
  readonly database: Database & { readonly migrateAs: string };
  /** PEM text of who signed its certificate. */
  readonly authority: string;
  /** The administrator's password; for a test to look for where it must not be. */
  readonly password: string;
  /** ARN of the secret that the application's password is to be kept in. */
  readonly applicationSecret: string;
  /** As nobody can connect to RDS: for what a test looks at. */
  readonly superuser: Database;
  stop(): Promise<void>;
}

/** Where the runner's host has the authority of the server. */
export const authorityOnHost = "/etc/ssl/database-authority.pem";

/**
 * A PostgreSQL of this machine that takes connections from the network by TLS and password only (`rds.force_ssl`), with an
 * administrator who is no superuser, and whose password is in a secret as RDS writes it.
 *
 * @param address that the hosts reach it at
 */
export async function startManagedServer(
  address: string,
  secrets: SecretsManagerClient,
  { name, owner }: { readonly name: string; readonly owner: string },
): Promise<ManagedServer> {
  const directory = await temporaryDirectory();
  const context = { log: silent, signal: new AbortController().signal };
  const options = { directory: join(directory, "cluster"), settings: fast, ...context };
  const { authority, certificate, key } = await makeCertificate(join(directory, "ca"), address);
  const made = await ensureCluster(options);
  const own = await stat(made.data);
  for (const [from, to] of [
    [certificate, "tls.crt"],
    [key, "tls.key"],
  ] as const) {
    const path = join(made.data, to);
    await copyFile(from, path);
    await chown(path, own.uid, own.gid);
    await chmod(path, 0o600);
  }
  await appendFile(join(made.data, "pg_hba.conf"), "hostssl all all 198.18.0.0/15 scram-sha-256\n");
  const password = randomBytes(24).toString("base64url");
  const superuser = databaseOf(made, maintenanceDatabase);
  await withClient(superuser, { applicationName: "test" }, async (client) => {
    for (const setting of [
      `listen_addresses = '127.0.0.1,${address}'`,
      ...["ssl_cert_file = 'tls.crt'", "ssl_key_file = 'tls.key'", "ssl = on"],
    ])
      await client.query(`ALTER SYSTEM SET ${setting}`);
    // What rds_superuser may, as far as it is PostgreSQL's own.
    await client.query(`CREATE ROLE pipeline LOGIN CREATEDB CREATEROLE PASSWORD '${password}'`);
    await client.query("GRANT pg_monitor, pg_signal_backend TO pipeline");
    await client.query(`CREATE DATABASE ${name} OWNER pipeline`);
  });
  await stopCluster(options.directory, context);
  const { port } = await ensureCluster(options);
  const secret = async (of: string, value?: object) => {
    const text = value === undefined ? {} : { SecretString: JSON.stringify(value) };
    return (await secrets.send(new CreateSecretCommand({ Name: `dev-${of}`, ...text }))).ARN ?? "";
  };
  const arn = await secret("master", { username: "pipeline", password });
  return {
    database: {
      ...{ host: address, port, name, user: "pipeline", migrateAs: owner },
      password: { from: "secretsManager", arn },
      tls: { ca: authorityOnHost },
    },
    authority: await readFile(authority, "utf8"),
    password,
    applicationSecret: await secret("application"),
    superuser: { ...superuser, port, name },
    stop: () => discard(directory),
  };
}
