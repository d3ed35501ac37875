import assert from "node:assert/strict";
import { whyNoMachines } from "../../../tools/setup/machines.mjs";
import { compareVersions, isUsablePulumi, parseVersion } from "../../../tools/setup/version.mjs";
import { cliSources } from "../../../tools/setup/pulumiCli.mjs";
import { isHeld, withLock } from "../../../tools/setup/lock.mjs";
import { cacheCandidates } from "../../../tools/setup/places.mjs";
import { dropForgotten, standInHome } from "../../../tools/setup/standInHome.mjs";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";

describe("set-up: versions", () => {
  it("finds a version in what programs print", () => {
    assert.deepEqual(parseVersion("v3.230.0\n"), [3, 230, 0]);
    assert.deepEqual(parseVersion("go version go1.26.8 linux/amd64"), [1, 26, 8]);
    assert.equal(parseVersion("no version"), undefined);
  });

  it("compares by number, not by letter", () => {
    assert.ok(compareVersions("3.99.0", "3.230.0") < 0);
    assert.ok(compareVersions("10.0.0", "9.9.9") > 0);
    assert.equal(compareVersions("v3.230.0", "3.230.0"), 0);
  });

  for (const [version, usable] of [
    ["v3.230.0", true],
    ["3.231.4", true],
    ["3.229.9", false],
    ["4.0.0", false],
    ["2.999.0", false],
    ["", false],
  ] as const) {
    it(`takes pulumi ${version || "of no version"}: ${usable}`, () => assert.equal(isUsablePulumi(version), usable));
  }
});

describe("set-up: where the Pulumi CLI is taken from", () => {
  const nothing = { isCached: false, isReachable: false };
  const cases: [string, Parameters<typeof cliSources>[0], string[]][] = [
    ["the person's own, if new enough", { ...nothing, onPath: "3.240.1", isCached: true, isReachable: true }, ["path"]],
    ["the cache, if the person's own is too old", { ...nothing, onPath: "3.100.0", isCached: true }, ["cache"]],
    ["Pulumi's installer, then Go", { ...nothing, isReachable: true, go: "1.26.8" }, ["installer", "build"]],
    ["Go alone, offline", { ...nothing, go: "1.21.0" }, ["build"]],
    ["nowhere, with a Go that fetches no toolchain", { ...nothing, go: "1.20.14" }, []],
    ["nowhere", nothing, []],
  ];
  for (const [name, world, sources] of cases) it(name, () => assert.deepEqual(cliSources(world), sources));
});

describe("set-up: the lock", () => {
  const holder = { pid: 4711, start: "100", host: "here" };
  const machine = { host: "here", isAlive: () => true, startOf: (): string | undefined => "100" };

  it("is held by a process that runs", () => assert.equal(isHeld(holder, machine), true));
  it("is not held by one that ended", () => assert.equal(isHeld(holder, { ...machine, isAlive: () => false }), false));
  it("is not held by another process with the same id", () =>
    assert.equal(isHeld(holder, { ...machine, startOf: () => "200" }), false));
  it("is held where start times cannot be known", () =>
    assert.equal(isHeld(holder, { ...machine, startOf: () => undefined }), true));
  it("is held by a process of another machine", () =>
    assert.equal(isHeld({ ...holder, host: "there" }, { ...machine, isAlive: () => false }), true));

  it("is taken over from a process that died, and given back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lock-"));
    const path = join(folder, "a.lock");
    const dead = spawnSync("true").pid;
    writeFileSync(path, JSON.stringify({ pid: dead, host: hostname() }));
    assert.equal(await withLock(path, "test of the lock", () => Promise.resolve("done")), "done");
    assert.equal(existsSync(path), false);
    rmSync(folder, { recursive: true });
  });

  it("lets one in at a time", () => {
    const folder = mkdtempSync(join(tmpdir(), "lock-"));
    const script = join(folder, "one.mjs");
    const module = join(__dirname, "../../../tools/setup/lock.mjs");
    writeFileSync(
      script,
      `import { withLock } from ${JSON.stringify(module)};
       import { appendFileSync } from "node:fs";
       const log = (what) => appendFileSync(${JSON.stringify(join(folder, "log"))}, what);
       await withLock(${JSON.stringify(join(folder, "b.lock"))}, "test of the lock", async () => {
         log("(");
         await new Promise((resolve) => setTimeout(resolve, 100));
         log(")");
       });`,
    );
    const runs = Array.from({ length: 4 }, () => `${JSON.stringify(process.execPath)} ${script} 2>/dev/null &`).join(
      " ",
    );
    const { stdout } = spawnSync("/bin/sh", ["-c", `${runs} wait; cat ${join(folder, "log")}`], { encoding: "utf8" });
    assert.equal(stdout, "()()()()");
    rmSync(folder, { recursive: true });
  });
});

describe("set-up: the cache", () => {
  const machine = { home: "/home/ana", temp: "/tmp", user: "ana" };
  it("is where the person says", () =>
    assert.deepEqual(cacheCandidates({ SAFE_MIGRATION_CACHE: "/c", XDG_CACHE_HOME: "/x" }, machine), ["/c"]));
  it("is in XDG_CACHE_HOME, in the home, or in the temporary folder", () =>
    assert.deepEqual(cacheCandidates({ XDG_CACHE_HOME: "/x" }, machine), [
      "/x/safe-migration",
      "/home/ana/.cache/safe-migration",
      "/tmp/safe-migration-ana",
    ]));
  it("is not in a relative XDG_CACHE_HOME", () =>
    assert.equal(cacheCandidates({ XDG_CACHE_HOME: "x" }, machine)[0], "/home/ana/.cache/safe-migration"));
});

describe("set-up: the stand-in's folder", () => {
  it("is another one for another stand-in, and goes when it is long forgotten, but not the one in use", () => {
    const cache = mkdtempSync(join(tmpdir(), "safe-migration-cache-"));
    try {
      const [current = "", fresh = "", old = ""] = ["a", "b", "c"].map((letter) =>
        standInHome(cache, letter.repeat(64)),
      );
      const other = join(cache, "pulumi-home");
      for (const folder of [current, fresh, old, other]) mkdirSync(folder);
      const long = new Date(Date.now() - 40 * 24 * 60 * 60 * 1000);
      for (const folder of [current, old, other]) utimesSync(folder, long, long);
      dropForgotten(cache, current);
      assert.deepEqual([current, fresh, old, other].map(existsSync), [true, true, false, true]);
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });
});

describe("set-up: machines of one's own", () => {
  const status = (capabilities: string) => `Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t${capabilities}\n`;
  const linux = { platform: "linux", uid: 0 };
  const all = "000001ffffffffff";

  it("can be made by root on Linux, who may make networks and namespaces", () => {
    assert.equal(whyNoMachines({ ...linux, status: status(all) }), undefined);
  });

  it("cannot be made by others, elsewhere, or in a container that is not privileged; which is said", () => {
    assert.match(whyNoMachines({ ...linux, uid: 1000, status: status(all) }) ?? "", /needs root/);
    assert.match(whyNoMachines({ platform: "darwin", uid: 0, status: "" }) ?? "", /not Linux/);
    // What Docker leaves to root by default.
    assert.match(
      whyNoMachines({ ...linux, status: status("00000000a80425fb") }) ?? "",
      /container that is not privileged \(CAP_NET_ADMIN, CAP_SYS_ADMIN\)/,
    );
    assert.match(whyNoMachines({ ...linux, status: status("00000000a80435fb") }) ?? "", /\(CAP_SYS_ADMIN\)/);
  });
});
