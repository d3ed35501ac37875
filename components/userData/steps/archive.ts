import type { Step } from "../script.js";
import { mayMakeBaseBackups } from "../../../pipeline/recovery/baseBackupCommand.js";
import { hostPaths, pipelineUser, postgresMajor, postgresPort } from "../../../config/hostPaths.js";
import { renderSettings } from "../postgresSettings.js";
import { writeFile } from "../shell.js";

/** Where a host keeps its WAL and its base backups, and for how long. */
export interface WalArchive {
  /** Names them in the bucket: the environment. */
  readonly stanza: string;
  readonly bucket: string;
  /** Folder in the bucket, without `/` at either end; nobody else's. */
  readonly prefix: string;
  readonly region: string;
  /** How many days one can go back to any moment of. */
  readonly days: number;
  /** Another S3 API than Amazon's, spoken by TLS. @default the region's own S3 */
  readonly endpoint?: {
    readonly host: string;
    readonly port: number;
    /** Certificates of who signed its own (PEM). */
    readonly authorities: string;
  };
}

/** How long a change stays on this host alone at most, in seconds: until the WAL that holds it is in the bucket. */
const archiveTimeout = 60;
const config = "/etc/pgbackrest/pgbackrest.conf";
const authorities = "/etc/pgbackrest/authorities.pem";
const unit = "safe-migration-base-backup";

/**
 * Continuous archiving with pgBackRest: every change goes to the bucket within a minute, beside a full backup each week and a
 * differential one each other night. Both are made by PostgreSQL's account with the instance's profile; no secret is written.
 *
 * @throws Error naming a value that cannot be right.
 */
export function archiveStep(archive: WalArchive): Step {
  const { stanza, bucket, prefix, region, days } = archive;
  if (!/^[a-z0-9][a-z0-9_-]*$/i.test(stanza)) throw new Error(`"${stanza}" is no name of a stanza`);
  if (!/^[a-z0-9][a-z0-9.-]+$/.test(bucket)) throw new Error(`"${bucket}" is no name of a bucket`);
  if (!/^[A-Za-z0-9_/-]+$/.test(prefix)) throw new Error(`"${prefix}" is no folder of a bucket`);
  if (!/^[a-z0-9-]+$/.test(region)) throw new Error(`"${region}" is no region`);
  if (!Number.isInteger(days) || days < 1) throw new Error(`the archive cannot reach ${days} days back`);
  return {
    name: "archive",
    body: `
changed=0
run_pgbackrest() { runuser -u postgres -- pgbackrest --stanza=${stanza} "$@"; }
sql() { runuser -u postgres -- psql -XAtq -d postgres -c "$1"; }
install -d -m 0755 /etc/pgbackrest
${archive.endpoint === undefined ? "" : writeFile(authorities, "0644", archive.endpoint.authorities)}
${writeFile(config, "0644", renderConfig(archive))}
# Who may do anything in the server through its socket may have its files archived, too (backup.method: pgbackrest).
${writeFile("/etc/sudoers.d/safe-migration-archive", "0440", mayMakeBaseBackups(pipelineUser, stanza))}
visudo -cqf /etc/sudoers.d/safe-migration-archive || { rm /etc/sudoers.d/safe-migration-archive; fail "the rule for sudo is none"; }
# Does nothing where it is there already, and refuses where it is another cluster's.
run_pgbackrest stanza-create ||
  fail "the archive in s3://${bucket}/${prefix} cannot be used (above: why). Where it is an earlier cluster's, and this one is its successor on purpose: runuser -u postgres -- pgbackrest --stanza=${stanza} stanza-upgrade; what was archived stays. Then run ${hostPaths.script} again"
${writeFile(`/etc/postgresql/${postgresMajor}/main/conf.d/safe-migration-archive.conf`, "0644", renderSettings(settings(stanza)))}
if [ "$(sql 'SHOW archive_mode')" = on ]; then
  sql 'SELECT pg_reload_conf()' >/dev/null
else
  systemctl restart postgresql@${postgresMajor}-main
fi
# One segment goes all the way: whatever is wrong with settings or rights is known now.
run_pgbackrest check
${writeFile(`/etc/systemd/system/${unit}@.service`, "0644", service(stanza))}
${writeFile(`/etc/systemd/system/${unit}-full.timer`, "0644", timer("full", "Sun"))}
${writeFile(`/etc/systemd/system/${unit}-diff.timer`, "0644", timer("diff", "Mon..Sat"))}
[ "$changed" = 0 ] || systemctl daemon-reload
systemctl enable --quiet --now ${unit}-full.timer ${unit}-diff.timer
# The first one takes as long as the data is large; nobody waits for it.
run_pgbackrest --output=json info | grep -q '"backup":\\[{' || systemctl start --no-block ${unit}@full.service`,
  };
}

function settings(stanza: string): Record<string, string> {
  return {
    archive_mode: "on",
    archive_command: `pgbackrest --stanza=${stanza} archive-push %p`,
    archive_timeout: `${archiveTimeout}s`,
  };
}

function renderConfig({ stanza, bucket, prefix, region, days, endpoint }: WalArchive): string {
  return `# Written by safe-migration. Holds no secret: the instance's profile is asked for credentials.
[global]
repo1-type=s3
repo1-path=/${prefix}
repo1-s3-bucket=${bucket}
repo1-s3-region=${region}
repo1-s3-endpoint=${endpoint?.host ?? `s3.${region}.amazonaws.com`}
${endpoint === undefined ? "" : `repo1-storage-port=${endpoint.port}\nrepo1-storage-ca-file=${authorities}\n`}repo1-s3-key-type=auto
# A certificate's * stands for no dot.
repo1-s3-uri-style=${endpoint === undefined && !bucket.includes(".") ? "host" : "path"}
repo1-retention-full-type=time
repo1-retention-full=${days}
# Small files go together: fewer requests.
repo1-bundle=y
compress-type=zst
start-fast=y
lock-path=/var/lib/pgbackrest/lock
log-level-console=info
log-level-file=off

[global:archive-push]
log-level-console=warn

[${stanza}]
pg1-path=${hostPaths.data}/postgresql/${postgresMajor}/main
pg1-port=${postgresPort}
pg1-socket-path=${hostPaths.socket}
`;
}

function service(stanza: string): string {
  return `[Unit]
Description=Base backup of PostgreSQL (%i)
Wants=network-online.target
After=network-online.target postgresql@${postgresMajor}-main.service
[Service]
Type=oneshot
User=postgres
ExecStart=/usr/bin/pgbackrest --stanza=${stanza} --type=%i backup
Restart=on-failure
RestartSec=15min
Nice=10
IOSchedulingClass=idle`;
}

function timer(type: string, days: string): string {
  return `[Unit]
Description=When a base backup of PostgreSQL is made (${type})
[Timer]
Unit=${unit}@${type}.service
OnCalendar=${days} 02:00
RandomizedDelaySec=1h
Persistent=true
[Install]
WantedBy=timers.target`;
}
