import { gunzipSync, gzipSync } from "node:zlib";
import { hostPaths } from "../../config/hostPaths.js";

/** One step of setting a host up. */
export interface Step {
  /** Lower-case letters, digits and `-`; names the step in the status file, and its log. */
  readonly name: string;
  /** Bash, run with `set -euo pipefail` in a shell of its own; may be run again at any time. */
  readonly body: string;
}

/** EC2 takes no more user data than this, in bytes. */
export const largestUserData = 16_384;

/**
 * The script that a host runs as root when it boots for the first time: the steps in their order, each logged, the state told
 * in {@link hostPaths.status}. It stops at the first step that fails, with its log's end on standard error. Running it
 * again goes through all steps again; two at once wait for each other.
 */
export function renderScript(title: string, steps: readonly Step[]): string {
  return `#!/usr/bin/env bash
# ${title}
# Made by safe-migration. Run as root at first boot; running it again does no harm.
${preamble}
${steps.map(renderStep).join("\n")}
report "done"
log "this host is ready"
`;
}

/**
 * A script as user data: compressed, in a script that puts it where it is kept on the host, readable, and runs it.
 *
 * @throws Error where it is larger than EC2 takes.
 */
export function packScript(title: string, script: string): string {
  const lines = gzipSync(script, { level: 9 })
    .toString("base64")
    .replace(/.{120}/g, "$&\n");
  const packed = `#!/usr/bin/env bash
# ${title}
# Made by safe-migration. Compressed, since EC2 takes no more than 16 KiB; on the host it is ${hostPaths.script}.
set -euo pipefail
umask 077
base64 -d <<'END_OF_SCRIPT' | gzip -d >${hostPaths.script}.new
${lines}
END_OF_SCRIPT
chmod 0700 ${hostPaths.script}.new
mv ${hostPaths.script}.new ${hostPaths.script}
exec ${hostPaths.script}
`;
  const bytes = Buffer.byteLength(packed);
  if (bytes > largestUserData)
    throw new Error(`user data of ${bytes} bytes: EC2 takes ${largestUserData}; name fewer or shorter things`);
  return packed;
}

/** The script that {@link packScript} packed. @throws Error where it is none. */
export function unpackScript(packed: string): string {
  const lines = /<<'END_OF_SCRIPT' .*\n([^]*)\nEND_OF_SCRIPT\n/.exec(packed)?.[1];
  if (lines === undefined) throw new Error("this is no packed script");
  return gunzipSync(Buffer.from(lines, "base64")).toString("utf8");
}

function renderStep({ name, body }: Step): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`"${name}" is no name of a step`);
  return `
begin ${name}
(
set -euo pipefail
${body.trim()}
) >>"$step_log" 2>&1 </dev/null
end $?`;
}

/** A status is written whole or not at all; a file is replaced only where its content differs. */
const preamble = `set -uo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p ${hostPaths.home} ${hostPaths.logs}
exec 9>${hostPaths.home}/lock
flock 9
[ "$0" = ${hostPaths.script} ] || install -m 0700 "$0" ${hostPaths.script}

log() { printf '%s safe-migration: %s\\n' "$(date -u +%FT%TZ)" "$*" >&2; }
report() {
  printf '%s\\n' "$*" >${hostPaths.status}.new
  mv ${hostPaths.status}.new ${hostPaths.status}
}
begin() {
  step=$1
  step_log=${hostPaths.logs}/$step.log
  printf '%s\\n' "--- $(date -u +%FT%TZ)" >>"$step_log"
  report running "$step"
  log "step $step"
}
end() {
  [ "$1" = 0 ] && return
  report failed "$step" "$1"
  log "step $step failed with exit code $1; $step_log ends with:"
  tail -n 40 "$step_log" >&2
  exit 1
}
fail() {
  printf 'error: %s\\n' "$*" >&2
  exit 1
}
# What reaches over the network is tried again, with a growing pause.
retry() {
  local try
  for try in 1 2 3 4; do
    "$@" && return
    printf 'attempt %s of 5 failed: %s\\n' "$try" "$1" >&2
    sleep $((try * try))
  done
  "$@"
}
write_file() {
  local new
  new=$(mktemp "$1.XXXXXX")
  cat >"$new"
  chmod "$2" "$new"
  if cmp -s "$new" "$1"; then
    rm "$new"
    chmod "$2" "$1"
  else
    mv "$new" "$1"
    changed=1
  fi
}
install_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '\${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] || missing+=("$package")
  done
  [ "\${#missing[@]}" -gt 0 ] || return 0
  retry apt-get -o DPkg::Lock::Timeout=300 -q update
  retry apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -q -y --no-install-recommends install "\${missing[@]}"
}`;
