import { readFileSync } from "node:fs";

/** What the kernel has to let this process do for it to make machines: networks (CAP_NET_ADMIN), namespaces and mounts (CAP_SYS_ADMIN). */
const rights = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n };

/**
 * Why this process can make no machines of its own, as the hosts tests and the demo need them, whatever is installed.
 *
 * @param {{ platform: string, uid: number | undefined, status: string }} process `status`: its /proc/self/status
 * @returns {string | undefined}
 */
export function whyNoMachines({ platform, uid, status }) {
  if (platform !== "linux") return "this is not Linux";
  if (uid !== 0) return "making network namespaces, mounts and volumes needs root";
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const missing = Object.entries(rights).filter(([, bit]) => (effective & (1n << bit)) === 0n);
  if (missing.length === 0) return undefined;
  return `root may make no namespaces here, as in a container that is not privileged (${missing.map(([name]) => name).join(", ")})`;
}

/** {@link whyNoMachines}, of this process. */
export function noMachinesHere() {
  const { platform } = process;
  const status = platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  return whyNoMachines({ platform, uid: process.getuid?.(), status });
}
