import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { typescript } from "../support/typescript.js";

const started = z.object({ directory: z.string(), pid: z.int() });

describe("the tests' own cluster", function () {
  this.timeout(60_000);

  it("is stopped and removed also when the run is killed and no hook can do it", async () => {
    const support = resolve(__dirname, "../support/postgres.ts");
    const code = `
      const { testCluster } = require(${JSON.stringify(support)});
      const { readFileSync } = require("node:fs");
      testCluster().then(({ cluster: { directory, data } }) => {
        const pid = Number(readFileSync(data + "/postmaster.pid", "utf8").split("\\n")[0]);
        console.log(JSON.stringify({ directory, pid }));
        setInterval(() => undefined, 1000);
      });`;
    const args = [...typescript, "-e", code];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { directory, pid } = started.parse(JSON.parse(line.toString()));
    assert.ok(existsSync(`/proc/${pid}`) || process.platform !== "linux");
    assert.ok(existsSync(directory));
    child.kill("SIGKILL");
    while (existsSync(directory)) await sleep(100);
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });
});
