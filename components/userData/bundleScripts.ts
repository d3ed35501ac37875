import { hostPaths } from "../../config/hostPaths.js";

/** Room that a host keeps free beyond what is copied to it, in bytes. */
const spare = 64 * 1024 * 1024;

/** A hash as it may stand in a script. @throws Error where it is none. */
function checked(hash: string): string {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error(`"${hash}" is no SHA-256`);
  return hash;
}

/** Looks, before anything is copied to a host, whether there is room for it; says so where there is not. */
export function roomScript({ hash, bytes }: { readonly hash: string; readonly bytes: number }): string {
  return `set -eu
# ${checked(hash)}
needed=${Math.ceil((bytes + spare) / 1024)}
free=$(df --output=avail -k ${hostPaths.bundles} | tail -n 1 | tr -d ' ')
if [ "$free" -lt "$needed" ]; then
  {
    echo "The disk of this host is full: $free KiB are free in ${hostPaths.bundles}, the pipeline needs $needed KiB."
    echo "State: nothing was touched; what the pipeline was before is still there."
    echo "Next:  make room on the host (df -h; du -xh / | sort -h | tail), then run the same command."
  } >&2
  exit 4
fi
`;
}

/**
 * Takes a bundle that was copied to a host into use, once each of its files has the SHA-256 that it had here. A stage that is
 * running keeps the bundle it was started from; the three newest are kept.
 *
 * @param use whether it becomes the one that is used where none is named
 */
export function installScript(hash: string, use = true): string {
  return `set -eu
cd ${hostPaths.bundles}/${checked(hash)}
sha256sum --quiet --check SHA256SUMS >&2 || { echo "The pipeline was copied incompletely. Nothing was touched. Run the same command again." >&2; exit 4; }
cd ..
touch ${hash}
${use ? `rm -f current.new\nln -s ${hash} current.new\nmv -T current.new current\n` : ""}find . -maxdepth 1 -type d -regextype posix-extended -regex '\\./[0-9a-f]{64}' -printf '%T@ %f\\n' |
  sort -rn | tail -n +4 | cut -d ' ' -f 2 | xargs -r rm -rf --
echo ${hash}
`;
}

/**
 * The command that runs a stage on a host; the request follows on standard input.
 *
 * @param hash the bundle; absent: the one that is in use
 * @throws Error where it is no stage's name.
 */
export function stageCommand(stage: string, format: "text" | "json" = "text", hash?: string): string {
  if (!/^[a-z][a-z-]*$/.test(stage)) throw new Error(`"${stage}" is no name of a stage`);
  const cli = `${hostPaths.bundles}/${hash === undefined ? "current" : checked(hash)}/pipeline.cjs`;
  return `exec env TMPDIR=${hostPaths.work} node ${cli} --log-format ${format} ${stage}`;
}
