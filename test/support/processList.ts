import { readFile, readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** With what the processes of this machine were started, as everybody on it can see, looked at over and over (Linux). */
export class ProcessList {
  readonly #seen = new Set<string>();
  #ends = false;
  readonly #watching = this.#watch();

  /** @returns each command line that was seen, its arguments with spaces between */
  async stop(): Promise<readonly string[]> {
    this.#ends = true;
    await this.#watching;
    return [...this.#seen];
  }

  async #watch(): Promise<void> {
    while (!this.#ends) {
      const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
      // One that has ended in between has none.
      const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
      for (const line of lines) this.#seen.add(line.replaceAll("\0", " "));
      await sleep(50);
    }
  }
}
