import type { Step } from "../script.js";
import { hostPaths, pipelineUser, postgresMajor, postgresPort } from "../../../config/hostPaths.js";
import { type MachineSize, postgresSettings, renderSettings } from "../postgresSettings.js";
import { writeFile } from "../shell.js";

const clusters = `${hostPaths.data}/postgresql`;
const data = `${clusters}/${postgresMajor}/main`;
const settings = `/etc/postgresql/${postgresMajor}/main`;
const unit = `postgresql@${postgresMajor}-main`;

/** Who may connect, and how: the pipeline and the administrator by who they are, everybody else by password, from here only. */
const authentication = `# Written by safe-migration.
local all postgres peer
local all ${pipelineUser} peer
local all all scram-sha-256
host  all all 127.0.0.1/32 scram-sha-256
host  all all ::1/128 scram-sha-256`;

/** A server that ended because the disk was full comes back by itself once there is room. */
const unitSettings = `[Unit]
RequiresMountsFor=${hostPaths.data}
StartLimitIntervalSec=0
[Service]
Restart=on-failure
RestartSec=5`;

/**
 * PostgreSQL with its data on the data volume. A cluster that is there is taken on as it is; a new one is made beside and
 * renamed when it is whole, so that what a crash leaves is never taken for one, and `initdb` never meets data.
 */
export function postgresStep(machine: MachineSize): Step {
  return {
    name: "postgresql",
    body: `
changed=0
mountpoint -q ${hostPaths.data} || fail "the data volume is not mounted at ${hostPaths.data}"
install -d -o postgres -g postgres -m 0755 ${clusters} ${clusters}/${postgresMajor}
for other in ${clusters}/*/main/PG_VERSION; do
  [ ! -e "$other" ] || [ "$(cat "$other")" = ${postgresMajor} ] ||
    fail "the data volume holds a cluster of PostgreSQL $(cat "$other"), this host has ${postgresMajor}: upgrade it first (pg_upgradecluster on a host with both); it was left as it is"
done
if [ -e ${data} ]; then
  { [ -s ${data}/PG_VERSION ] && [ -s ${data}/global/pg_control ]; } || fail "${data} is there and is no cluster; it was left as it is"
else
  rm -rf ${data}.new
  runuser -u postgres -- /usr/lib/postgresql/${postgresMajor}/bin/initdb -D ${data}.new --data-checksums --encoding=UTF8 \\
    --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 --no-instructions
  sync
  mv ${data}.new ${data}
  sync
fi
if [ ! -e ${settings}/postgresql.conf ]; then
  # Another image may number its accounts otherwise.
  [ "$(stat -c %U ${data}/PG_VERSION)" = postgres ] || chown -R postgres:postgres ${clusters}
  # Debian keeps the settings apart from the data, so that they stayed on the host that was here before; the lists of who may
  # connect are written below.
  [ -e ${data}/postgresql.conf ] ||
    install -o postgres -g postgres -m 0644 /usr/share/postgresql/${postgresMajor}/postgresql.conf.sample ${data}/postgresql.conf
  for file in pg_hba.conf pg_ident.conf; do
    [ -e ${data}/$file ] || install -o postgres -g postgres -m 0640 /dev/null ${data}/$file
  done
  pg_createcluster ${postgresMajor} main --datadir=${data} --port=${postgresPort} --start-conf=auto
  changed=1
fi
# At its end, so that what is there counts.
grep -q "^include_dir = 'conf.d'" ${settings}/postgresql.conf || {
  echo "include_dir = 'conf.d'" >>${settings}/postgresql.conf
  changed=1
}
mkdir -p ${settings}/conf.d /etc/systemd/system/${unit}.service.d
${writeFile(`${settings}/conf.d/safe-migration.conf`, "0644", renderSettings(postgresSettings(machine)))}
${writeFile(`${settings}/pg_hba.conf`, "0640", authentication)}
chown postgres:postgres ${settings}/pg_hba.conf
${writeFile(`/etc/systemd/system/${unit}.service.d/data-volume.conf`, "0644", unitSettings)}
[ "$changed" = 0 ] || systemctl daemon-reload
systemctl enable --quiet postgresql
if [ "$changed" = 1 ] || ! systemctl is-active --quiet ${unit}; then
  systemctl restart ${unit} || { tail -n 30 /var/log/postgresql/postgresql-${postgresMajor}-main.log; fail "PostgreSQL does not start"; }
fi
pg_isready -q -h ${hostPaths.socket} -p ${postgresPort} -t 60`,
  };
}
