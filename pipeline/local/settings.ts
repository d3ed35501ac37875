import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Account } from "./account.js";
import { writeWhole } from "./files.js";
import { localHost } from "./port.js";

/** Server settings by name, as in `postgresql.conf`. */
export type ServerSettings = Readonly<Record<string, string>>;

/** Suited to a laptop beside its other programs; durability is left as PostgreSQL has it. */
const laptop: ServerSettings = {
  max_connections: "100",
  shared_buffers: "128MB",
  maintenance_work_mem: "128MB",
  max_wal_size: "2GB",
  // Dates that do not depend on where the laptop is.
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] %q%u@%d %a ",
  log_checkpoints: "off",
  // The local cluster is stopped and thrown away more often than it is in trouble: say little.
  log_min_messages: "warning",
};

const included = "safe-migration.conf";

/** The text of the included configuration file. Values are quoted as `postgresql.conf` wants. */
export function renderSettings(port: number, more: ServerSettings): string {
  const settings: ServerSettings = {
    ...laptop,
    ...more,
    listen_addresses: localHost,
    port: String(port),
    // A socket in /tmp would let every user of the machine try; one in a checkout is often too long a path.
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `# Written at each start; settings of your own go to postgresql.auto.conf (ALTER SYSTEM).\n${lines.join("\n")}\n`;
}

export async function writeSettings(data: string, account: Account, port: number, more: ServerSettings): Promise<void> {
  await writeWhole(join(data, included), renderSettings(port, more), { mode: 0o600, owner: ownerOf(account) });
}

/** Has a new cluster read those settings, and takes passwords from everyone: one line, TCP from this machine. */
export async function writeFixedFiles(data: string, account: Account): Promise<void> {
  const owner = ownerOf(account);
  const main = join(data, "postgresql.conf");
  const text = await readFile(main, "utf8");
  await writeWhole(main, `${text}\ninclude = '${included}'\n`, { mode: 0o600, owner });
  const access = `# TYPE  DATABASE  USER  ADDRESS       METHOD\nhost    all       all   ${localHost}/32  scram-sha-256\n`;
  await writeWhole(join(data, "pg_hba.conf"), access, { mode: 0o600, owner });
}

export function ownerOf(account: Account): { uid: number; gid: number } {
  return { uid: account.uid, gid: account.gid };
}
