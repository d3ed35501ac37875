import { existsSync } from "node:fs";
import { which } from "./find.mjs";
import { run } from "./run.mjs";
import { say, step } from "./say.mjs";

/** What the hosts tests and the demo need beyond the rest, by the Debian package that has it. */
export const hostPrograms = {
  debootstrap: "debootstrap",
  ip: "iproute2",
  unshare: "util-linux",
  nsenter: "util-linux",
  losetup: "mount",
  "mkfs.ext4": "e2fsprogs",
  "ssh-keygen": "openssh-client",
  shellcheck: "shellcheck",
};

/** The packages of programs that are not on PATH. */
export function missingPackages(find = which) {
  return [
    ...new Set(
      Object.entries(hostPrograms)
        .filter(([program]) => find(program) === undefined)
        .map(([, name]) => name),
    ),
  ];
}

/**
 * Installs what is missing, on Debian and Ubuntu as root. Elsewhere, and where that fails, the tests that need it are
 * skipped, saying why.
 */
export async function provideHostTools() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) {
    say(`not installed, as that needs root on Debian or Ubuntu: ${missing.join(", ")}; what needs them is skipped`);
    return;
  }
  const command = (...args) => run("env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", ...args]);
  await step(`installing ${missing.join(", ")}, for the tests on hosts`, async () => {
    await command("update");
    const { code, output } = await command("install", "-y", "--no-install-recommends", ...missing);
    if (code !== 0) say(`apt-get failed; what needs them is skipped:\n${output.slice(-1000)}`);
  });
}
