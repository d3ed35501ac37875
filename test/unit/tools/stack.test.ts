import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  existsSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCounts, summary } from "../../../tools/testing/counts.js";
import { assertKnown } from "../../../tools/stack/knownStacks.js";
import { parse, UsageError } from "../../../tools/stack/arguments.js";
import { describeProtected, protectedIn } from "../../../tools/stack/protected.js";
import { elsewhereFor } from "../../../pipeline/local/location.js";
import { purge, PurgeRefused } from "../../../tools/stack/purge.js";
import { withoutPendingCommands } from "../../../tools/stack/pending.js";
import { livenessOf, parseLock } from "../../../tools/stack/stateLock.js";
import { EngineStream } from "../../../tools/stack/stream.js";
import { describe as describeValue, renderTable, shownNames, visible } from "../../../tools/stack/table.js";

describe("stack: arguments", () => {
  it("takes the stack from NODE_ENV, unless it is named", () => {
    assert.equal(parse(["up"], undefined).stack, "local");
    assert.equal(parse(["up"], "staging").stack, "staging");
    assert.equal(parse(["up"], "production").stack, "prod");
    assert.equal(parse(["up"], "development").stack, "dev");
    assert.equal(parse(["up", "--stack", "dev"], "production").stack, "dev");
    assert.equal(parse(["up"], "shop").stack, "shop");
    assert.equal(parse(["start"], "production").stack, "local");
  });

  for (const argv of [
    [],
    ["fly"],
    ["up", "--stak", "dev"],
    ["up", "dev"],
    ["up", "--purge"],
    ["start", "--stack", "dev"],
    ["destroy", "--stack", "dev", "--purge"],
    ["up", "--stack", "../x"],
    ["up", "--before-promotion"],
  ]) {
    it(`refuses: ${argv.join(" ") || "nothing"}`, () => assert.throws(() => parse(argv, undefined), UsageError));
  }
});

describe("stack: a name that no settings are there for", () => {
  // A folder of its own: other tests put settings of theirs into the project's for a while.
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), "settings-"));
    for (const stack of ["local", "dev", "staging", "prod"]) writeFileSync(join(root, `Pulumi.${stack}.yaml`), "");
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  it("is refused, with the one that was meant", () => {
    assert.throws(
      () => assertKnown(root, "prd"),
      (error) =>
        error instanceof UsageError &&
        /no Pulumi\.prd\.yaml.*did you mean prod\? \(there are: dev, local, prod, staging\)/.test(error.message),
    );
    assert.throws(() => assertKnown(root, "something"), /\(there are: dev, local, prod, staging\)/);
  });
  it("is known where there are some", () => {
    for (const stack of ["local", "prod"]) assert.doesNotThrow(() => assertKnown(root, stack));
  });
});

describe("stack: the state's lock", () => {
  const holder = parseLock('{"pid":42,"username":"ana","hostname":"here","timestamp":"2026-01-01T00:00:00Z"}');
  const machine = (program: string | undefined) => ({ host: "here", programOf: () => program });

  it("is held while pulumi runs", () => assert.equal(livenessOf(holder, machine("pulumi")), "alive"));
  it("is left behind once it does not", () => assert.equal(livenessOf(holder, machine(undefined)), "dead"));
  it("is left behind when the id is another program's", () =>
    assert.equal(livenessOf(holder, machine("bash")), "dead"));
  it("is not judged from another machine", () =>
    assert.equal(livenessOf({ ...holder, host: "there" }, machine(undefined)), "elsewhere"));
  it("may be unreadable", () => assert.equal(parseLock("{").pid, 0));
});

describe("stack: what is protected", () => {
  it("is found in the exported state, and named", () => {
    const urn = (type: string, name: string) => `urn:pulumi:prod::safe-migration::parent$${type}::${name}`;
    const resources = [
      { urn: urn("aws:ec2/vpc:Vpc", "vpc") },
      { urn: urn("aws:s3/bucket:Bucket", "backups"), protect: true },
      { urn: urn("aws:kms/key:Key", "key"), protect: false },
    ];
    const found = protectedIn(JSON.stringify({ version: 3, deployment: { resources } }));
    assert.deepEqual(found, [resources[1]?.urn]);
    assert.match(describeProtected("prod", found), /nothing of it is destroyed:\n {2}aws:s3\/bucket:Bucket backups\n/);
    assert.match(describeProtected("prod", found), /pulumi state unprotect --all --stack prod/);
  });
  it("is nothing in a stack that has nothing", () => {
    assert.deepEqual(protectedIn('{"version":3,"deployment":{"manifest":{}}}'), []);
    assert.deepEqual(protectedIn('{"version":3,"deployment":null}'), []);
  });
});

describe("stack: what a crash left pending", () => {
  const operation = (type: string, name: string) => ({
    type: "creating",
    resource: { type, urn: `urn:pulumi:s::p::${type}::${name}` },
  });
  const state = (...pending: unknown[]) =>
    JSON.stringify({ version: 3, deployment: { resources: [], pending_operations: pending } });

  it("is dropped for Commands, and kept for all else", () => {
    const bucket = operation("aws:s3/bucket:Bucket", "b");
    const found = withoutPendingCommands(state(operation("command:local:Command", "migrate"), bucket));
    assert.deepEqual(found?.names, ["migrate"]);
    assert.deepEqual(JSON.parse(found?.text ?? ""), JSON.parse(state(bucket)));
    const alone = withoutPendingCommands(state(operation("command:remote:Command", "verify")));
    assert.deepEqual(JSON.parse(alone?.text ?? ""), { version: 3, deployment: { resources: [] } });
  });

  it("leaves a state alone that has nothing of the kind", () => {
    assert.equal(withoutPendingCommands(state(operation("aws:s3/bucket:Bucket", "b"))), undefined);
    assert.equal(withoutPendingCommands('{"version":3,"deployment":{"resources":[]}}'), undefined);
    assert.equal(withoutPendingCommands('{"version":3}'), undefined);
  });
});

describe("stack: outputs", () => {
  it("masks secrets", () => {
    const outputs = { a: { value: "open", secret: false }, b: { value: { deep: "hush" }, secret: true } };
    assert.deepEqual(visible(outputs), { a: "open", b: "[secret]" });
  });

  it("writes nested values one fact a line", () => {
    assert.deepEqual(describeValue({ status: "ok", tables: { users: 2, orders: 3 }, none: [] }), [
      "status: ok",
      "tables:",
      "  users: 2",
      "  orders: 3",
      "none: none",
    ]);
    assert.deepEqual(describeValue([{ name: "m1", ms: 3 }, "m2"]), ["m1 (ms: 3)", "m2"]);
    assert.equal(describeValue(Array.from({ length: 15 }, (_, index) => index)).at(-1), "… and 3 more");
    assert.deepEqual(describeValue(null), ["–"]);
  });

  it("shows first what is looked for first, and leaves out what is for the next run", () => {
    assert.deepEqual(shownNames({ appliedNow: 1, backup: 1, connection: 1, lastRun: 1, report: 1 }), [
      "connection",
      "backup",
      "report",
      "appliedNow",
    ]);
    assert.deepEqual(describeValue([{ name: "m1", checksum: "ab".repeat(32) }]), ["m1 (checksum: abababababab…)"]);
  });

  it("stays within the width, keeps every character and the indentation", () => {
    const path = `/${"folder/".repeat(30)}report.html`;
    const table = renderTable({ report: { html: path }, short: 1 }, 80);
    const lines = table.split("\n");
    assert.ok(
      lines.every((line) => line.length <= 80),
      table,
    );
    const value = lines.map((line) => line.split("│")[2]?.trim() ?? "").join("");
    assert.ok(value.includes(path), table);
  });
});

describe("stack: what the engine prints", () => {
  it("is shown without progress marks, and names what failed", () => {
    const lines: string[] = [];
    const stream = new EngineStream((line) => lines.push(line));
    stream.write("Updating (local):\n\n\n@ updating....\n +  command:local:Command mig");
    stream.write("rate **creating failed** error: exit status 3\n");
    stream.write(" ~  command:local:Command other **updating failed** [diff: ~create]; error\nlast");
    stream.end();
    assert.deepEqual(stream.failed, ["command:local:Command migrate", "command:local:Command other"]);
    assert.deepEqual(lines.slice(0, 2), ["Updating (local):", ""]);
    assert.equal(lines.at(-1), "last");
    assert.equal(lines.length, 5);
  });
});

describe("stack: purge", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "purge-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("removes the folder, and links in it without what they lead to", () => {
    const [local, outside] = [join(folder, ".local"), join(folder, "outside")];
    mkdirSync(join(local, "pulumi", ".pulumi"), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "yes");
    symlinkSync(outside, join(local, "link"));
    purge(local);
    assert.equal(existsSync(local), false);
    assert.equal(readFileSync(join(outside, "kept"), "utf8"), "yes");
  });

  it("removes the data that is elsewhere, unless a server runs on it", function () {
    // Only another account's server has its data elsewhere.
    if (process.getuid?.() !== 0) this.skip();
    const [local, cluster] = [join(folder, ".local"), join(folder, ".local", "cluster")];
    mkdirSync(join(local, "pulumi", ".pulumi"), { recursive: true });
    mkdirSync(cluster);
    const home = elsewhereFor(realpathSync(cluster));
    try {
      mkdirSync(join(home, "data"), { recursive: true });
      symlinkSync(join(home, "data"), join(cluster, "data"));
      writeFileSync(join(home, "data", "postmaster.pid"), `${process.pid}\n`);
      assert.throws(() => purge(local), /still runs/);
      assert.deepEqual([existsSync(local), existsSync(home)], [true, true]);
      rmSync(join(home, "data", "postmaster.pid"));
      purge(local);
      assert.deepEqual([existsSync(local), existsSync(home)], [false, false]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

  it("refuses a link, a folder without state, and a running cluster", () => {
    const local = join(folder, ".local");
    symlinkSync(tmpdir(), local);
    assert.throws(() => purge(local), PurgeRefused);
    rmSync(local);
    mkdirSync(join(local, "postgres"), { recursive: true });
    assert.throws(() => purge(local), PurgeRefused);
    mkdirSync(join(local, "pulumi", ".pulumi"), { recursive: true });
    writeFileSync(join(local, "postgres", "postmaster.pid"), `${process.pid}\n/x\n`);
    assert.throws(() => purge(local), /still runs/);
    assert.equal(existsSync(local), true);
  });
});

describe("test runner: the last line", () => {
  it("names skipped tests only if there are any", () => {
    assert.equal(summary({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
    assert.equal(summary({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
  });
  it("counts a run that left no counts as a failure", () => {
    assert.equal(parseCounts(undefined).failed, 1);
    assert.equal(parseCounts("{}").failed, 1);
    assert.deepEqual(parseCounts('{"passed":1,"failed":0,"skipped":0}'), { passed: 1, failed: 0, skipped: 0 });
  });
});
