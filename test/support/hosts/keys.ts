import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../pipeline/process.js";

export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A pair of Ed25519 keys, as `ssh-keygen` makes them. */
export async function keyPair(comment = "test"): Promise<KeyPair> {
  const folder = await mkdtemp(join(tmpdir(), "keys-"));
  try {
    const path = join(folder, "key");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
    const [privateKey, publicKey] = await Promise.all([readFile(path, "utf8"), readFile(`${path}.pub`, "utf8")]);
    return { privateKey, publicKey: publicKey.trim() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
