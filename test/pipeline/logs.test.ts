import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createLogger } from "../../pipeline/log.js";
import { LiveLog } from "../../pipeline/logs/liveLog.js";
import { storeSink } from "../../pipeline/logs/store.js";
import { run } from "../../pipeline/process.js";
import { Checkout } from "../support/checkout.js";
import { makeRuns } from "../support/runsInStore.js";
import { temporaryStore } from "./backupFixtures.js";

const stack = "logs";

describe("the logs of a stack's runs", function () {
  this.timeout(60_000);
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let checkout: Checkout;
  const made = (name: string, minutesAgo: number, end: "failed" | "refused") =>
    makeRuns(store.root, stack, [{ run: name, started: Date.now() - minutesAgo * 60_000, stageMs: 1_000, end }]);
  before(async () => {
    store = await temporaryStore();
    checkout = await Checkout.make("config: {}\n");
    await writeFile(
      checkout.path(`Pulumi.${stack}.yaml`),
      `config:\n  safe-migration:sample: { enabled: false }\n  safe-migration:store: { folder: ${store.root} }\n`,
    );
  });
  after(async () => {
    await checkout?.remove();
    await store.remove();
  });

  const logs = (...given: string[]) => {
    const { command, args, cwd } = checkout.program("tools/commands/logs.ts");
    return run(command, [...args, "--stack", stack, ...given], { cwd });
  };
  const following = (...given: string[]) => {
    const { command, args, cwd } = checkout.program("tools/commands/logs.ts");
    return spawn(command, [...args, "--stack", stack, "--follow", ...given], {
      cwd,
      stdio: ["ignore", "pipe", "inherit"],
    });
  };

  it("say that there is none yet", async () => {
    const { exitCode, stderr } = await logs();
    assert.equal(exitCode, 2);
    assert.match(stderr, /has no run in its store yet/);
  });

  it("are those of the newest run, or of the one that is named, as lines or as JSON", async () => {
    await made("later-named", 10, "failed");
    await made("20260101T000000Z-aaaa", 20, "refused");
    const newest = await logs();
    assert.match(newest.stdout, /^\[MIGRATION\] migrate 0\.0s m\n\[MIGRATION\] migrate 1\.0s m\n$/);
    const named = await logs("--run", "20260101T000000Z-aaaa", "--json");
    const lines = named.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { stage: string; level: string });
    assert.deepEqual(
      lines.map(({ stage, level }) => `${stage} ${level}`),
      ["preflight info", "preflight info"],
    );
    assert.equal((await logs("--log-level", "warn")).stdout, "");
    assert.equal((await logs("--run", "nobody")).exitCode, 2);
  });

  it("are followed into the runs to come, each line once, until stopped", async () => {
    const child = following();
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async () => ((await lines.next()) as { value: string }).value;
      assert.match(await next(), /migrate 0\.0s/);
      assert.match(await next(), /migrate 1\.0s/);
      await made("20260102T000000Z-bbbb", 1, "refused");
      assert.match(await next(), /preflight 0\.0s/);
      assert.match(await next(), /preflight 1\.0s/);
      child.kill("SIGINT");
      const [code] = (await once(child, "exit")) as [number];
      assert.equal(code, 0);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("are followed while a stage is running, and left by one that is killed", async () => {
    const request = { run: "20260101T120000Z-live", environment: stack };
    const live = new LiveLog([storeSink(store.url, `${stack}/${request.run}/migrate.log`)]);
    const log = createLogger({
      ...{ stage: "migrate", run: request.run, format: "json", level: "info", terminal: false },
      write: () => undefined,
      onLine: (line) => live.add(line),
    });
    const child = following("--run", request.run);
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async () => ((await lines.next()) as { value: string }).value;
      log.info("the first line");
      // Its timer keeps no process alive; this one is kept by its child.
      assert.match(await next(), /migrate 0\.0s the first line/);
      log.info("the second line");
      assert.match(await next(), /the second line/);
    } finally {
      child.kill("SIGKILL");
      await live.settle();
    }
    // There is no result of it, as of a stage that was killed.
    const left = await logs("--run", request.run);
    assert.match(left.stdout, /the first line\n.*the second line\n$/);
  });
});
