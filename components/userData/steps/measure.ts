import type { Step } from "../script.js";
import { hostPaths, pipelineUser } from "../../../config/hostPaths.js";
import { writeFile } from "../shell.js";

const unit = "safe-migration-measure";
/** Where Debian's node_exporter looks for files with metrics (prometheus-node-exporter, `--collector.textfile.directory`). */
const collected = "/var/lib/prometheus/node-exporter";

/**
 * A timer that measures every five minutes, once an update has said what: see the stage `measure`. Its metrics in a file are where
 * node_exporter finds them, should there be one. The pipeline's account does it; nothing of it needs another.
 */
export function measureStep(): Step {
  const { measure: folder, measureRequest: request, metrics, bundles, work } = hostPaths;
  return {
    name: "measure",
    body: `
changed=0
install -d -o ${pipelineUser} -g ${pipelineUser} -m 0755 ${folder}
mkdir -p ${collected}
ln -sfn ${metrics} ${collected}/safe-migration.prom
${writeFile(
  `/etc/systemd/system/${unit}.service`,
  "0644",
  `[Unit]
Description=Measures backups, PostgreSQL and disks
ConditionPathExists=${request}
ConditionPathExists=${bundles}/current/pipeline.cjs
[Service]
Type=oneshot
User=${pipelineUser}
Environment=TMPDIR=${work}
StandardInput=file:${request}
StandardOutput=null
ExecStart=/usr/bin/node ${bundles}/current/pipeline.cjs --log-format text --log-level warn measure
TimeoutStartSec=240
Nice=10
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${folder}
PrivateTmp=yes`,
)}
${writeFile(
  `/etc/systemd/system/${unit}.timer`,
  "0644",
  `[Unit]
Description=When backups, PostgreSQL and disks are measured
[Timer]
OnCalendar=*:0/5
RandomizedDelaySec=30
[Install]
WantedBy=timers.target`,
)}
[ "$changed" = 0 ] || systemctl daemon-reload
systemctl enable --quiet --now ${unit}.timer`,
  };
}
