import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, readFile } from "node:fs/promises";
import { readParts } from "../../tools/ci/part.js";
import { Checkout } from "../support/checkout.js";
import { inSteps } from "../support/inSteps.js";

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;
const name = "20260601000000_drop_payments";
const config = `# The stack of this test.
config:
  safe-migration:sample: { users: 50, orders: 100 }
  safe-migration:risk: { risky: acknowledge, dangerous: approve } # as prod asks
`;

/** The gate through the real engine, as people type it. Each step stands on the one before. */
describe("the gate of the local stack, which asks as prod does", function () {
  this.timeout(300_000);
  inSteps(this);
  let checkout: Checkout;

  before(async () => {
    checkout = await Checkout.make(config);
  });
  after(() => checkout.remove());

  const refusal = (why: string) =>
    new RegExp(
      `not let through on local:\\s+🔴 ${name}: dangerous, refused: ${why}[^]*line 2: dangerous, drop-table[^]*safer:` +
        `[^]*npm run approve -- --stack local ${name} --tier dangerous --reason`,
    );
  const approve = (...args: string[]) => checkout.npm("approve", ["--stack", "local", ...args]);

  it("the first start of the sample needs no approval, and notes the sizes of its tables", async () => {
    const result = await checkout.npm("start");
    assert.equal(result.exitCode, 0, all(result));
    const { lastRun } = (await checkout.outputs()) as {
      lastRun: { tables: Record<string, { rows: number }>; postgresMajor: number };
    };
    assert.ok((lastRun.tables["public.payments"]?.rows ?? 0) > 0);
    assert.ok(lastRun.postgresMajor >= 13);
  });

  it("preview fails on an unapproved DROP TABLE: with reason, safe way and the command", async () => {
    await checkout.addMigration(name, '-- Payments moved elsewhere.\nDROP TABLE "payments";\n');
    const result = await checkout.npm("preview", ["--stack", "local"]);
    assert.notEqual(result.exitCode, 0, all(result));
    assert.match(all(result), refusal("no approval"));
    // What is let through or refused is a matter between people: nobody is told of a defect.
    assert.doesNotMatch(all(result), /\n\s+at .*\.ts:\d+/);
  });

  it("on a pull request: the preview as it is, and the migrations of its range, for the comment", async () => {
    const git = (...words: string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...words], { cwd: checkout.folder });
    git("init", "--quiet");
    git("add", "prisma");
    git("reset", "--quiet", `prisma/migrations/${name}`);
    git("commit", "--quiet", "--message", "before");
    git("add", "prisma");
    git("commit", "--quiet", "--message", "drop payments");
    const args = ["--stack", "local", "--since", "HEAD^1..HEAD", "--into", checkout.path(".local/parts")];
    const result = await checkout.npm("ci:preview", args);
    assert.equal(result.exitCode, 1, all(result));
    const part = readParts(checkout.path(".local/parts")).get("local");
    assert.deepEqual(part?.migrations, [{ name, tier: "dangerous" }]);
    assert.match(part?.said ?? "", refusal("no approval"));
    assert.match(part?.risk ?? "", /1 of these migrations is not let through[^]*drop-table[^]*npm run approve/);
  });

  it("start refuses too, before anything is touched", async () => {
    const before = await checkout.outputs();
    const result = await checkout.npm("start");
    assert.notEqual(result.exitCode, 0);
    assert.match(all(result), refusal("no approval"));
    assert.deepEqual(await checkout.outputs(), before);
    assert.notDeepEqual(await checkout.rows("SELECT to_regclass('payments') AS there"), [{ there: null }]);
  });

  it("approve asks why, and then writes who, when and why into the stack's file", async () => {
    const silent = await approve(name);
    assert.equal(silent.exitCode, 2, all(silent));
    assert.match(all(silent), /asks why/);
    assert.equal(await readFile(checkout.path("Pulumi.local.yaml"), "utf8"), config);
    const result = await approve(name, "--reason", "moved to the bank");
    assert.equal(result.exitCode, 0, all(result));
    const written = await readFile(checkout.path("Pulumi.local.yaml"), "utf8");
    assert.ok(written.startsWith(config));
    assert.match(written, /reason: "moved to the bank"/);
  });

  it("then preview passes, and says who approved", async () => {
    const result = await checkout.npm("preview", ["--stack", "local"]);
    assert.equal(result.exitCode, 0, all(result));
    assert.match(all(result), /approved as dangerous by .* \(moved to the bank\)/);
  });

  it("one more byte in the file, and it is refused again, by preflight run by hand as well", async () => {
    await appendFile(checkout.path("prisma/migrations", name, "migration.sql"), " ");
    const result = await checkout.npm("preview", ["--stack", "local"]);
    assert.notEqual(result.exitCode, 0, all(result));
    assert.match(all(result), refusal("approval is for another version of the file"));
    const byHand = await checkout.npm("db:preflight", ["--json"]);
    assert.equal(byHand.exitCode, 3, all(byHand));
    const { error } = JSON.parse(byHand.stdout) as { error: { code: string } };
    assert.equal(error.code, "RISK_NOT_APPROVED");
  });

  it("what is applied, safe or not there is not approved", async () => {
    for (const [wrong, message] of [
      ["20250113090000_init", /already applied/],
      ["20990101000000_none", /no migration/],
    ] as const) {
      const result = await approve(wrong, "--reason", "x");
      assert.equal(result.exitCode, 2);
      assert.match(all(result), message);
    }
    const list = await approve("--list");
    assert.match(list.stdout, new RegExp(`${name}: dangerous, refused: approval is for another version`));
  });
});
