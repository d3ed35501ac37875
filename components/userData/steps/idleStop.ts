import { hostPaths, pipelineUser } from "../../../config/hostPaths.js";
import type { Step } from "../script.js";
import { writeFile } from "../shell.js";

const unit = "safe-migration-idle";
const program = `/usr/local/sbin/${unit}`;

/**
 * The host stops by itself once nothing of the pipeline's account has run on it for a while, an SSH session among it; so it stops also
 * after a run that failed, or whose Pulumi was killed. EC2 starts it again with its disk as it was.
 *
 * @param minutes without work
 * @throws Error where it is no number of minutes.
 */
export function idleStopStep(minutes: number): Step {
  if (!Number.isInteger(minutes) || minutes < 1) throw new Error(`a host cannot stop after ${minutes} minutes`);
  return {
    name: "idle-stop",
    body: `
changed=0
${writeFile(program, "0755", script(minutes))}
${writeFile(`/etc/systemd/system/${unit}.service`, "0644", `[Unit]\nDescription=Stops this host when the pipeline has nothing to do\n[Service]\nType=oneshot\nExecStart=${program}\n`)}
${writeFile(`/etc/systemd/system/${unit}.timer`, "0644", "[Unit]\nDescription=Looks each minute whether the pipeline has anything to do\n[Timer]\nOnBootSec=60\nOnUnitActiveSec=60\nAccuracySec=5\n[Install]\nWantedBy=timers.target\n")}
[ "$changed" = 0 ] || systemctl daemon-reload
systemctl enable --quiet --now ${unit}.timer`,
  };
}

/** What is in memory (/run) is gone after a stop: the time counts from the boot. A host whose user data failed stays to be looked at. */
function script(minutes: number): string {
  return `#!/usr/bin/env bash
set -euo pipefail
busy=/run/${unit}
if [ ! -e "$busy" ] || pgrep -u ${pipelineUser} >/dev/null || ! grep -q '^done' ${hostPaths.status}; then
  touch "$busy"
  exit 0
fi
idle=$(($(date +%s) - $(stat -c %Y "$busy")))
[ "$idle" -lt ${minutes * 60} ] || systemctl poweroff
`;
}
