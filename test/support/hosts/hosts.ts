import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { access, chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunOptions, type RunResult, run } from "../../../pipeline/process.js";
import { hostImage } from "./image.js";

const prefix = "safe-migration-hosts-";
const cleaner = join(__dirname, "clean.sh");
const programs = ["debootstrap", "ip", "unshare", "nsenter", "losetup", "mkfs.ext4", "ssh-keygen"];

/** What the machine lacks to be host to the hosts of a test. */
export async function lacking(): Promise<string | undefined> {
  const { noMachinesHere } = await import("../../../tools/setup/machines.mjs");
  const reason = noMachinesHere();
  if (reason !== undefined) return reason;
  for (const program of programs) {
    if ((await run("sh", ["-c", `command -v ${program}`])).exitCode !== 0)
      return `${program} is not installed (Debian: apt-get install debootstrap iproute2 util-linux mount e2fsprogs openssh-client)`;
  }
  if (!/\boverlay$/m.test(await readFile("/proc/filesystems", "utf8"))) return "the kernel has no overlay file system";
  if (!existsSync("/dev/loop-control")) return "the kernel has no loop devices";
  const hierarchy = await cgroups();
  if (hierarchy === undefined) return "no cgroup2 hierarchy is mounted";
  if (!(await mayWrite(hierarchy))) return `${hierarchy}, the hierarchy of cgroups, cannot be written`;
  const { exitCode, stderr } = await run("losetup", ["--find"]);
  return exitCode === 0 ? undefined : `no loop device can be had: ${stderr.trim()}`;
}

/** The place for the machines of a test file; skips its tests, saying why, where this machine cannot have any. */
export async function hostsOrSkip(context: Mocha.Context): Promise<Hosts> {
  context.timeout(900_000);
  const reason = await lacking();
  if (reason === undefined) return Hosts.start();
  process.stderr.write(`      skipped: ${reason}\n`);
  return context.skip();
}

function mayWrite(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Where the hierarchy of cgroups is mounted. */
async function cgroups(): Promise<string | undefined> {
  return /^\S+ (\S+) cgroup2 /m.exec(await readFile("/proc/mounts", "utf8"))?.[1];
}

/** What a machine boots with. */
export interface BootOptions {
  /** What EC2 would be given as user data. */
  readonly userData: string;
  /** Volume made by {@link Hosts.volume}. */
  readonly volume?: string;
  /** URL of what answers at the address of EC2's instance metadata service. */
  readonly metadata?: string;
  /** Lines of `/etc/environment`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Even, from 10 on: decides its address; a machine that takes another's place has the other's. */
  readonly number: number;
}

/**
 * Machines for tests: Debian 13 roots with their own systemd, sshd and network, in namespaces, all below one folder. They end
 * with this process, however it ends, and what an earlier one left is removed first.
 */
export class Hosts {
  private constructor(
    readonly folder: string,
    readonly image: string,
    /** `198.18.N`: addresses kept for tests of networks (RFC 2544). */
    readonly network: string,
    /** At which the machines reach this one. */
    readonly address: string,
  ) {}

  static async start(): Promise<Hosts> {
    await removeStale();
    const image = await hostImage();
    const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
    await chmod(folder, 0o755);
    const watch = spawn(cleaner, [folder, String(process.pid)], { stdio: "ignore", cwd: "/", detached: true });
    watch.unref();
    const network = await freeNetwork();
    const hosts = new Hosts(folder, image, network, `${network}.1`);
    await writeFile(join(folder, "address"), hosts.address);
    await must("ip", ["address", "add", `${hosts.address}/32`, "dev", "lo"]);
    return hosts;
  }

  /** An empty disk. @returns its block device */
  async volume(name: string, megabytes: number): Promise<string> {
    const file = join(this.folder, `${name}.volume`);
    await writeFile(file, "", { flag: "wx" });
    await truncate(file, megabytes * 1024 * 1024);
    return (await must("losetup", ["--find", "--show", file])).stdout.trim();
  }

  boot(name: string, options: BootOptions): Promise<TestHost> {
    return TestHost.boot(this, name, options);
  }

  async stop(): Promise<void> {
    await run(cleaner, [this.folder]);
  }

  /** A cgroup for one machine. */
  async cgroup(name: string): Promise<string> {
    const cgroup = join((await cgroups()) ?? "", `${basename(this.folder)}-${name}`);
    await mkdir(cgroup);
    return cgroup;
  }
}

export class TestHost {
  /** Another one for each machine, as an instance's. */
  readonly id = `i-${randomBytes(8).toString("hex")}`;

  private constructor(
    readonly name: string,
    readonly address: string,
    readonly folder: string,
    private readonly cgroup: string,
    private readonly netns: string,
    private readonly child: ChildProcess,
  ) {}

  static async boot(hosts: Hosts, name: string, options: BootOptions): Promise<TestHost> {
    const folder = join(hosts.folder, name);
    await mkdir(folder);
    const cgroup = await hosts.cgroup(name);
    await writeFile(join(folder, "cgroup"), cgroup);
    const netns = `${basename(hosts.folder)}-${name}`;
    const [gateway, address] = [`${hosts.network}.${options.number}`, `${hosts.network}.${options.number + 1}`];
    await connect(netns, gateway, address);
    await writeUpper(join(folder, "upper"), options);
    const args = [join(__dirname, "boot.sh"), netns, cgroup, hosts.image, folder];
    const child = spawn("bash", [...args, ...(options.volume === undefined ? [] : [options.volume])], {
      stdio: ["ignore", "ignore", "inherit"],
      cwd: "/",
    });
    child.unref();
    return new TestHost(name, address, folder, cgroup, netns, child);
  }

  /** Runs a command on the machine, as root and not over SSH. */
  async run(command: string, options: RunOptions = {}): Promise<RunResult> {
    const enter = ["--target", await this.#init(), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
    const env = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"];
    return run("nsenter", [...enter, ...env, "bash", "-c", command], options);
  }

  /** As {@link run}; what it printed. @throws Error where it fails. */
  async output(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(command);
    if (exitCode !== 0) throw new Error(`${this.name}: ${command}: exit code ${exitCode}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Waits until user data has ended, one way or the other. @returns the last line of its status */
  async settled(): Promise<string> {
    for (;;) {
      const { stdout } = await this.run("cat /var/lib/safe-migration/status").catch(() => ({ stdout: "" }));
      if (/^(done|failed)/.test(stdout)) return stdout.trim();
      if (this.child.exitCode !== null) throw new Error(`${this.name} has ended`);
      await sleep(200);
    }
  }

  /** Waits until the machine has ended by itself. */
  async ended(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null)
      await new Promise((resolve) => this.child.once("close", resolve));
  }

  /** Ends the machine at once, as pulling its plug would, and forgets its disk; its volume stays. */
  async terminate(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    await writeFile(join(this.cgroup, "cgroup.kill"), "1");
    if (this.child.exitCode === null && this.child.signalCode === null) await ended;
    while (/populated 1/.test(await readFile(join(this.cgroup, "cgroup.events"), "utf8"))) await sleep(50);
    await must("find", [this.cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
    await must("ip", ["netns", "del", this.netns]);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Process 1 of the machine, as this one sees it. */
  async #init(): Promise<string> {
    const { pid } = this.child;
    for (;;) {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
      const init = children.trim().split(" ")[0] ?? "";
      if (
        /systemd$/.test(
          await readFile(`/proc/${init}/comm`, "utf8")
            .catch(() => "")
            .then((name) => name.trim()),
        )
      )
        return init;
      if (this.child.exitCode !== null) throw new Error(`${this.name} has ended`);
      await sleep(50);
    }
  }
}

/** A pair of interfaces, one end in the machine's own network. */
async function connect(netns: string, gateway: string, address: string): Promise<void> {
  const name = `sm${gateway.split(".").slice(2).join("-")}`;
  const inside = ["netns", "exec", netns, "ip"];
  await must("ip", ["netns", "add", netns]);
  await must("ip", ["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", netns]);
  await must("ip", ["address", "add", `${gateway}/31`, "dev", name]);
  await must("ip", ["link", "set", name, "up"]);
  await must("ip", [...inside, "address", "add", `${address}/31`, "dev", "eth0"]);
  await must("ip", [...inside, "link", "set", "eth0", "up"]);
  await must("ip", [...inside, "link", "set", "lo", "up"]);
  await must("ip", [...inside, "address", "add", `${metadataAddress}/32`, "dev", "lo"]);
  await must("ip", [...inside, "route", "add", "default", "via", gateway]);
}

/** Of EC2's instance metadata service, on every instance. */
const metadataAddress = "169.254.169.254";

/** What is on the machine's disk before it boots: its user data, and a unit that does with it what cloud-init would. */
async function writeUpper(upper: string, { userData, metadata, environment = {} }: BootOptions): Promise<void> {
  const unit = `[Unit]
Description=User data, in the place of cloud-init
After=network.target ssh.service
[Service]
Type=oneshot
ExecStart=/var/lib/cloud/instance/scripts/part-001
StandardOutput=append:/var/log/cloud-init-output.log
StandardError=inherit
[Install]
WantedBy=multi-user.target
`;
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
  const files: [string, number, string][] = [
    ["var/lib/cloud/instance/scripts/part-001", 0o700, userData],
    ["etc/systemd/system/user-data.service", 0o644, unit],
    ["etc/environment", 0o644, lines.join("")],
    ...metadataUnits(metadata),
  ];
  for (const [path, mode, content] of files) {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    await writeFile(join(upper, path), content, { mode });
  }
  const wants = join(upper, "etc/systemd/system/multi-user.target.wants");
  await mkdir(wants, { recursive: true });
  await symlink("/etc/systemd/system/user-data.service", join(wants, "user-data.service"));
  if (metadata === undefined) return;
  const sockets = join(upper, "etc/systemd/system/sockets.target.wants");
  await mkdir(sockets, { recursive: true });
  await symlink("/etc/systemd/system/metadata.socket", join(sockets, "metadata.socket"));
}

/** Units by which the machine finds the metadata service where every instance does. */
function metadataUnits(url: string | undefined): [string, number, string][] {
  if (url === undefined) return [];
  const { host } = new URL(url);
  return [
    ["etc/systemd/system/metadata.socket", 0o644, `[Socket]\nListenStream=${metadataAddress}:80\n`],
    [
      "etc/systemd/system/metadata.service",
      0o644,
      `[Service]\nExecStart=/usr/lib/systemd/systemd-socket-proxyd ${host}\n`,
    ],
  ];
}

/** A network that no interface of this machine is in. */
async function freeNetwork(): Promise<string> {
  const { stdout } = await must("ip", ["-4", "-o", "address"]);
  for (let number = process.pid % 250; ; number = (number + 1) % 250) {
    if (!stdout.includes(`198.18.${number}.`)) return `198.18.${number}`;
  }
}

/** What earlier runs left whose watching process was killed too. */
async function removeStale(): Promise<void> {
  const { isAlive } = await import("../../../tools/setup/lock.mjs");
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await run(cleaner, [join(tmpdir(), name)]);
  }
}

async function must(program: string, args: readonly string[]): Promise<RunResult> {
  const result = await run(program, args);
  if (result.exitCode !== 0)
    throw new Error(`${program} ${args.join(" ")}: exit code ${result.exitCode}\n${result.stderr}`);
  return result;
}
