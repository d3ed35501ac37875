import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunResult, run } from "../../../pipeline/process.js";

const root = path.resolve(__dirname, "../../..");

interface Judged {
  file: string;
  tier: string;
  effects: string[];
  findings: { rule: string; tier: string; line: number; message: string; safer: string }[];
  unknowns?: string[];
}

/** `npm run -s risk -- …`, as CI and people call it. */
describe("risk: the command", function () {
  this.timeout(60_000);
  let folder: string;
  const file = (name: string) => path.join(folder, "migrations", name, "migration.sql");
  const risk = (...args: string[]): Promise<RunResult> =>
    run(process.execPath, ["tools/npm.mjs", "risk", ...args], { cwd: root, env: { INIT_CWD: folder, NODE_ENV: "" } });
  const json = async (...args: string[]): Promise<Judged[]> => {
    const result = await risk("--json", ...args);
    assert.equal(result.exitCode, 0, result.stderr);
    return JSON.parse(result.stdout) as Judged[];
  };
  const add = (name: string, sql: string) => {
    mkdirSync(path.dirname(file(name)), { recursive: true });
    writeFileSync(file(name), sql);
  };

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "risk-command-"));
    add("1_init", `CREATE TABLE "a" ("id" INTEGER NOT NULL, "email" VARCHAR(100), "n" INTEGER);`);
    add("2_wider", `ALTER TABLE "a" ALTER COLUMN "email" TYPE VARCHAR(200);`);
    add("3_more", `-- Two things.\n\nALTER TABLE "a" ALTER COLUMN "n" TYPE BIGINT;\nDROP TABLE "a";\n`);
    add("4_ignored", `-- risk-ignore: write-all-rows nobody has read them yet\nDELETE FROM "b";`);
    writeFileSync(path.join(folder, "loose.sql"), `ALTER TABLE "a" ALTER COLUMN "email" TYPE VARCHAR(300);`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("prints one JSON array, an entry a file, in the order in which they are named", async () => {
    const judged = await json(file("3_more"), file("1_init"), file("2_wider"));
    assert.deepEqual(
      judged.map(({ file: name, tier }) => [name, tier]),
      [
        [file("3_more"), "dangerous"],
        [file("1_init"), "safe"],
        [file("2_wider"), "safe"],
      ],
    );
    const [first] = judged;
    assert.deepEqual(Object.keys(first ?? {}), ["file", "tier", "effects", "findings"]);
    assert.deepEqual(
      first?.findings.map(({ rule, tier, line }) => ({ rule, tier, line })),
      [
        { rule: "change-type", tier: "risky", line: 3 },
        { rule: "drop-table", tier: "dangerous", line: 4 },
      ],
    );
    for (const { message, safer } of first?.findings ?? []) assert.ok(message !== "" && safer !== "");
    assert.ok(["rewrite", "drop", "loss", "breaks"].every((effect) => first?.effects.includes(effect)));
  });

  it("knows the old type from the folder, from --history, and not from nowhere", async () => {
    const loose = path.join(folder, "loose.sql");
    // That folder drops the table before.
    assert.equal((await json("--history", path.join(folder, "migrations"), loose))[0]?.tier, "risky");
    add("../early/1_init", `CREATE TABLE "a" ("email" VARCHAR(100));`);
    assert.equal((await json("--history", path.join(folder, "early"), loose))[0]?.tier, "safe");
    const [alone] = await json("loose.sql");
    assert.equal(alone?.tier, "risky");
    assert.match(alone?.unknowns?.join() ?? "", /type that column "email"/);
  });

  it("takes a folder for the scripts in it", async () => {
    const names = ["1_init", "2_wider", "3_more", "4_ignored"];
    const whole = await json(path.join(folder, "migrations"));
    assert.deepEqual(
      whole.map(({ file: name }) => name),
      names.map(file),
    );
    assert.equal((await json(path.dirname(file("2_wider"))))[0]?.tier, "safe");
  });

  it("says for people what is above safe, with the safer way once for each rule", async () => {
    const { stdout, exitCode } = await risk(file("1_init"), file("3_more"));
    assert.equal(exitCode, 0);
    assert.match(stdout, /dangerous[^]*3_more[^]*line 3, change-type[^]*line 4, drop-table[^]*Safer: First release/);
    assert.match(stdout, /🟢 1 safe {2}🟡 0 risky {2}🔴 1 dangerous/);
    assert.doesNotMatch(stdout, /1_init/);
  });

  it("annotates for GitHub, with what would end a command escaped", async () => {
    add("5_odd, name:%", `DROP TABLE "x%y";`);
    const { stdout } = await risk("--github", file("5_odd, name:%"), file("4_ignored"));
    const [error = "", notice = ""] = stdout.split("\n");
    assert.match(
      error,
      /^::error file=.*5_odd%2C name%3A%25\/migration\.sql,line=1,title=dangerous%3A drop-table::Table "x%25y" is dropped/,
    );
    assert.match(error, /%0ASafer: /);
    assert.match(notice, /^::notice file=.*line=2,.*Ignored: nobody has read them yet$/);
  });

  it("does not count what a comment with a reason answers for", async () => {
    const [judged] = await json(file("4_ignored"));
    assert.equal(judged?.tier, "safe");
    assert.deepEqual(
      judged.findings.map((finding) => "ignored" in finding),
      [true],
    );
  });

  it("ends with 3 where a file is at or above --fail-on, and with 0 otherwise", async () => {
    assert.equal((await risk("--json", "--fail-on", "dangerous", file("3_more"))).exitCode, 3);
    assert.equal((await risk("--json", "--fail-on", "risky", file("3_more"))).exitCode, 3);
    assert.equal((await risk("--json", "--fail-on", "risky", file("2_wider"))).exitCode, 0);
  });

  it("refuses wrong input with the thing, the reason and the remedy, and prints nothing else", async () => {
    const wrong: [string[], RegExp][] = [
      [["--json", "nothing.sql"], /nothing\.sql cannot be read.*ENOENT/],
      [["--json", "--sarif", file("1_init")], /name one/],
      [["--fail-on", "safe", file("1_init")], /--fail-on takes risky or dangerous/],
      [["--postgres", "new", file("1_init")], /--postgres takes a whole number/],
      [["--colour"], /Unknown option '--colour'/],
      [["--since", "HEAD", file("1_init")], /leave FILE out/],
      [["--history", path.join(folder, "migrations")], /name a FILE/],
      [["--history", path.join(folder, "none"), file("1_init")], /none cannot be read/],
      [["--since", "no-such-revision"], /git cannot tell/],
      [["--since", "--output=x"], /git cannot tell|argument is ambiguous/],
      [["--stack", "nowhere"], /nothing is known of a stack "nowhere" \(there are: dev, local, prod, staging\)/],
    ];
    const results = await Promise.all(wrong.map(([args]) => risk(...args)));
    results.forEach(({ exitCode, stdout, stderr }, at) => {
      assert.equal(exitCode, 2, `${wrong[at]?.[0].join(" ")}: ${stderr}`);
      assert.match(stderr, wrong[at]?.[1] ?? /^$/);
      assert.match(stderr, /Next: {2}\S/);
      assert.equal(stdout, "");
    });
  });

  it("writes all of a long answer into a pipe", async () => {
    add("6_long", Array.from({ length: 3_000 }, (_, at) => `DROP TABLE "t${at}";`).join("\n"));
    const [judged] = await json(file("6_long"));
    assert.equal(judged?.findings.length, 3_000);
  });

  it("judges by a stack's settings before its region, keys and addresses are set, and names a mistake in them", async () => {
    const shipped = await risk("--markdown", "--stack", "prod");
    assert.equal(shipped.exitCode, 0, shipped.stderr);
    assert.match(shipped.stdout, /npm run approve -- --stack prod/);
    const none = await risk("--markdown", "--stack", "nowhere");
    assert.equal(none.exitCode, 2);
    assert.match(none.stderr, /nothing is known of a stack "nowhere"[^]*Nothing was touched/);
  });

  it("says with --markdown what the stack asks for", async () => {
    const { stdout, stderr } = await risk("--markdown", "--stack", "local", file("3_more"), file("2_wider"));
    assert.equal(stderr, "");
    assert.match(stdout, /### 🔴 3_more: dangerous\n\nLet through: this environment asks for nothing\./);
    assert.match(stdout, /\| 4 \| 🔴 dangerous \| drop-table \|/);
    assert.doesNotMatch(stdout, /2_wider/);
  });
});

/** Ranges are of the configured project, so this needs a checkout of its own. */
describe("risk: the migrations that git says changed", function () {
  this.timeout(60_000);
  let folder: string;
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: folder });

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "risk-git-"));
    git("init", "-q");
    const add = (name: string, sql: string) => {
      mkdirSync(path.join(folder, "migrations", name), { recursive: true });
      writeFileSync(path.join(folder, "migrations", name, "migration.sql"), sql);
      git("add", "-A");
      git("commit", "-qm", name);
      git("tag", name);
    };
    add("1_init", `CREATE TABLE "a" ("n" VARCHAR(5));`);
    add("2_change", `ALTER TABLE "a" ALTER COLUMN "n" TYPE VARCHAR(9);`);
    add("3_drop", `DROP TABLE "a"; -- é`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const since = async (revision: string) => {
    const { migrationsSince } = await import("../../../tools/commands/riskGit.js");
    return migrationsSince(revision, path.join(folder, "migrations"));
  };

  it("since a revision: as the files are now, new ones included", async () => {
    mkdirSync(path.join(folder, "migrations", "4_new"));
    writeFileSync(path.join(folder, "migrations", "4_new", "migration.sql"), "SELECT 1;");
    const { history, changed } = await since("2_change");
    assert.deepEqual([...changed].sort(), ["3_drop", "4_new"]);
    assert.equal(history.length, 4);
  });

  it("A..B: as they are in B, whatever lies in the folder", async () => {
    const { history, changed } = await since("1_init..2_change");
    assert.deepEqual([...changed], ["2_change"]);
    assert.deepEqual(
      history.map(({ name, sql }) => [name, sql.length]),
      [
        ["1_init", 34],
        ["2_change", 49],
      ],
    );
    const open = await since("2_change...");
    assert.deepEqual([...open.changed], ["3_drop"]);
    assert.match(open.history[2]?.sql ?? "", /é$/);
  });
});
