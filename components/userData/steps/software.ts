import type { Step } from "../script.js";
import { applicationUser, pipelineUser, postgresMajor } from "../../../config/hostPaths.js";

/** Version of pm2 on hosts. */
const pm2Version = "6.0.14";

const nodeCheck = `
node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
  fail "Node.js is $(node --version); the pipeline needs 20.19"`;

/** Debian's packages of a database host: PostgreSQL with its server, pgBackRest, Node.js. No cluster is made by them. */
export function databasePackagesStep(): Step {
  return {
    name: "packages",
    body: `
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
install_packages postgresql-${postgresMajor} pgbackrest nodejs npm sudo openssl e2fsprogs
${nodeCheck}`,
  };
}

/** Debian's packages of a host that only runs the pipeline. */
export function runnerPackagesStep(): Step {
  return { name: "packages", body: `install_packages postgresql-client-${postgresMajor} nodejs\n${nodeCheck}` };
}

/** pm2, from npm. */
export function pm2Step(): Step {
  return {
    name: "pm2",
    body: `
installed=$(node -p 'require("/usr/local/lib/node_modules/pm2/package.json").version' 2>/dev/null || true)
[ "$installed" = ${pm2Version} ] ||
  retry npm install --global --prefix /usr/local --no-audit --no-fund --loglevel=error pm2@${pm2Version}`,
  };
}

/** The application's account, whose pm2 starts with the machine. The pipeline may stop and start what runs there. */
export function applicationStep(): Step {
  return {
    name: "application",
    body: `
getent passwd ${applicationUser} >/dev/null || useradd --create-home --shell /bin/bash ${applicationUser}
usermod --password '*' ${applicationUser}
echo '${pipelineUser} ALL=(${applicationUser}) NOPASSWD: /usr/local/bin/pm2' >/etc/sudoers.d/safe-migration.new
visudo -cqf /etc/sudoers.d/safe-migration.new
chmod 0440 /etc/sudoers.d/safe-migration.new
mv /etc/sudoers.d/safe-migration.new /etc/sudoers.d/safe-migration
# Writes and enables the unit that brings the application back after a restart of the machine.
[ -e /etc/systemd/system/pm2-${applicationUser}.service ] ||
  pm2 startup systemd -u ${applicationUser} --hp /home/${applicationUser}`,
  };
}

/** The agent by which AWS Systems Manager reaches the host where SSH does not; the only thing that AWS itself serves. */
export function ssmAgentStep(region: string): Step {
  return {
    name: "ssm-agent",
    body: `
if ! dpkg-query -W amazon-ssm-agent >/dev/null 2>&1; then
  package=$(mktemp --suffix .deb)
  retry curl -fsSL --max-time 120 -o "$package" \\
    "https://s3.${region}.amazonaws.com/amazon-ssm-${region}/latest/debian_$(dpkg --print-architecture)/amazon-ssm-agent.deb"
  dpkg -i "$package"
  rm "$package"
fi
systemctl enable --now --quiet amazon-ssm-agent`,
  };
}
