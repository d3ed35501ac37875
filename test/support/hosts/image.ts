import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderScript } from "../../../components/userData/script.js";
import { databasePackagesStep, pm2Step } from "../../../components/userData/steps/software.js";
import { type RunOptions, run } from "../../../pipeline/process.js";

/** Debian's release on hosts. */
const suite = "trixie";
/** What Debian's cloud image has beyond a minimal system, as far as a host here needs it. */
const included = ["ca-certificates", "curl", "dbus", "openssh-server", "systemd-sysv"];
const certificates = "/etc/ssl/certs/ca-certificates.crt";

/**
 * The root that all hosts are laid over: Debian 13 with what the two steps of user data install that need the network. It is
 * made once, by those very steps, and kept in the cache; on a host they run again and find it there.
 *
 * @returns its folder
 */
export async function hostImage(): Promise<string> {
  const { cacheRoot } = await import("../../../tools/setup/places.mjs");
  const { withLock } = await import("../../../tools/setup/lock.mjs");
  const { step } = await import("../../../tools/setup/say.mjs");
  const script = renderScript("Image of hosts in tests.", [databasePackagesStep(), pm2Step()]);
  const hash = createHash("sha256")
    .update(JSON.stringify([suite, included, script]))
    .digest("hex")
    .slice(0, 12);
  const image = join(cacheRoot(), "hosts", `debian-13-${hash}`);
  await mkdir(join(cacheRoot(), "hosts"), { recursive: true });
  await withLock(join(cacheRoot(), "hosts", "image.lock"), "the hosts' Debian", async () => {
    if (existsSync(image)) return;
    const partial = `${image}.partial`;
    await rm(partial, { recursive: true, force: true });
    await step("making the Debian 13 root of the hosts tests (once)", () => makeImage(partial, script));
    await rename(partial, image);
  });
  return image;
}

/** What a machine behind a proxy reaches the network by. */
const passedOn = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

async function makeImage(root: string, script: string): Promise<void> {
  const machine = await aptOfMachine();
  const mirror = machine.mirror === undefined ? [] : [machine.mirror];
  const args = ["--variant=minbase", `--include=${included.join(",")}`, suite, root, ...mirror];
  await must("debootstrap", args, { env: machine.proxy === undefined ? {} : { http_proxy: machine.proxy } });
  // Nothing is started while it is made.
  await writeFile(join(root, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n");
  await chmod(join(root, "usr/sbin/policy-rc.d"), 0o755);
  // The machine's own ways to the network, which are taken out again below.
  const paths = ["etc/resolv.conf", "etc/apt/apt.conf.d/99machine", "root/machine.crt", "etc/dpkg/dpkg.cfg.d/99fast"];
  const borrowed = paths.map((path) => join(root, path));
  const [resolv = "", apt = "", authorities = "", fast = ""] = borrowed;
  await writeFile(fast, "force-unsafe-io\n");
  await cp("/etc/resolv.conf", resolv, { dereference: true });
  await writeFile(apt, machine.proxy === undefined ? "" : `Acquire::http::Proxy "${machine.proxy}";\n`);
  if (existsSync(certificates)) await cp(certificates, authorities, { dereference: true });
  await writeFile(join(root, "root/make.sh"), script);
  const registry = (await run("npm", ["config", "get", "registry"])).stdout.trim();
  await must("unshare", [
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    `--mount-proc=${root}/proc`,
    "chroot",
    root,
    "env",
    // Nothing of this process's surroundings, where npm puts settings that name files of this machine.
    "-i",
    ...passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`])),
    ...(existsSync(authorities) ? ["NODE_EXTRA_CA_CERTS=/root/machine.crt"] : []),
    `npm_config_registry=${registry}`,
    "bash",
    "/root/make.sh",
  ]);
  for (const path of [
    ...borrowed,
    ...[
      "usr/sbin/policy-rc.d",
      "root/make.sh",
      "root/.npm",
      "var/lib/safe-migration",
      "var/log/safe-migration",
      "var/cache/apt/archives",
      "usr/local/sbin/safe-migration-host",
    ].map((path) => join(root, path)),
  ]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** Where this machine's apt has Debian from; debootstrap knows the usual mirror itself. */
async function aptOfMachine(): Promise<{ mirror: string | undefined; proxy: string | undefined }> {
  const targets = await run("apt-get", ["indextargets", "--format", "$(ORIGIN) $(REPO_URI)"]).catch(() => undefined);
  const uris = (targets?.stdout ?? "")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([origin, uri]) => origin === "Debian" && uri !== undefined && !/security/.test(uri))
    .map(([, uri]) => uri);
  const proxy = await run("apt-config", ["shell", "proxy", "Acquire::http::Proxy"]).catch(() => undefined);
  return { mirror: uris[0], proxy: /^proxy='([^']+)'/.exec(proxy?.stdout ?? "")?.[1] };
}

async function must(program: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const { exitCode, stdout, stderr } = await run(program, args, options);
  if (exitCode !== 0)
    throw new Error(`${program} ended with exit code ${exitCode}:\n${`${stdout}\n${stderr}`.slice(-4000)}`);
}
