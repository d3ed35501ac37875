import assert from "node:assert/strict";
import { chmod, chown, copyFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ensureCluster, databaseOf } from "../../pipeline/local/cluster.js";
import type { Database } from "../../pipeline/contracts.js";
import { silent } from "../../pipeline/log.js";
import { findBinaries } from "../../pipeline/postgres/binaries.js";
import { conninfo, libpqEnvironment, maintenanceDatabase, withClient } from "../../pipeline/postgres/connection.js";
import { run } from "../../pipeline/process.js";
import { makeCertificate } from "../support/certificate.js";
import { withEnvironment } from "../support/moto.js";
import { discard, fast, temporaryDirectory } from "../support/postgres.js";
import { failsWith } from "./backupFixtures.js";

/** A server that speaks TLS, with a certificate of an authority of the test's own. */
describe("TLS", function () {
  this.timeout(120_000);
  let directory: string;
  let database: Database;
  let authority: string;
  let other: string;

  before(async () => {
    directory = await temporaryDirectory();
    const first = await makeCertificate(join(directory, "ca"), "127.0.0.1");
    const second = await makeCertificate(join(directory, "other"), "127.0.0.1");
    [authority, other] = [first.authority, second.authority];
    const options = { log: silent, signal: new AbortController().signal };
    const made = await ensureCluster({ directory: join(directory, "cluster"), settings: fast, ...options });
    // As the server wants it: its key readable by its own account only.
    const owner = await stat(made.data);
    for (const [from, name] of [
      [first.certificate, "tls.crt"],
      [first.key, "tls.key"],
    ] as const) {
      const path = join(made.data, name);
      await copyFile(from, path);
      await chown(path, owner.uid, owner.gid);
      await chmod(path, 0o600);
    }
    database = databaseOf(made, maintenanceDatabase);
    await withClient(database, { applicationName: "test" }, async (client) => {
      for (const setting of ["ssl_cert_file = 'tls.crt'", "ssl_key_file = 'tls.key'", "ssl = on"])
        await client.query(`ALTER SYSTEM SET ${setting}`);
      await client.query("SELECT pg_reload_conf()");
    });
  });
  after(() => discard(directory));

  const encrypted = (target: Database) =>
    withClient(target, { applicationName: "test" }, async (client) => {
      const { rows } = await client.query<{ ssl: boolean }>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
      return rows[0]?.ssl;
    });
  const psql = async (target: Database) => {
    const { pgDump } = await findBinaries(13);
    const args = ["-Xtc", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", `--dbname=${conninfo(target)}`];
    return run(pgDump.path.replace(/pg_dump$/, "psql"), args, { env: await libpqEnvironment(target) });
  };

  it("is used and verified by pg and by libpq's programs", async () => {
    const target = { ...database, tls: { ca: authority } };
    assert.equal(await encrypted(target), true);
    const { stdout, stderr } = await psql(target);
    assert.equal(stdout.trim(), "t", stderr);
  });

  it("refuses a certificate that others signed: another authority's, and RDS's", async () => {
    for (const ca of [other, "rds"] as const) {
      const target = { ...database, tls: { ca } };
      await assert.rejects(encrypted(target), failsWith("TLS", /certificate was not accepted/));
      const { exitCode, stderr } = await psql(target);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /certificate verify failed/);
    }
  });

  it("refuses a certificate of another name", async () => {
    const target = { ...database, host: "localhost", tls: { ca: authority } };
    // The password file knows 127.0.0.1 only; the certificate is looked at before a password is sent.
    const restoreEnvironment = withEnvironment({ TLS_TEST_PASSWORD: "never sent" });
    try {
      const named: Database = { ...target, password: { from: "environment", variable: "TLS_TEST_PASSWORD" } };
      await assert.rejects(encrypted(named), failsWith("TLS", /localhost|altname/i));
      const { stderr } = await psql(named);
      assert.match(stderr, /does not match host name/);
    } finally {
      restoreEnvironment();
    }
  });

  it("gives libpq RDS's authorities in a file that others cannot read", async () => {
    const { PGSSLROOTCERT: path = "", PGSSLMODE: mode } = await libpqEnvironment({ ...database, tls: { ca: "rds" } });
    assert.equal(mode, "verify-full");
    assert.equal((await stat(path)).mode & 0o077, 0);
    assert.ok((await readFile(path, "utf8")).split("BEGIN CERTIFICATE").length > 50);
  });

  it("says that the authorities cannot be read", async () => {
    await assert.rejects(encrypted({ ...database, tls: { ca: "/nonexistent.pem" } }), failsWith("TLS_AUTHORITIES"));
  });
});
