import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const root = resolve(__dirname, "../../..");
const folder = join(root, ".github");
const workflows = readdirSync(join(folder, "workflows")).map((name) => join("workflows", name));
const files = [...workflows, "actions/stack/action.yml"];
const textOf = (file: string) => readFileSync(join(folder, file), "utf8");

const job = z.looseObject({
  permissions: z.record(z.string(), z.string()),
  "timeout-minutes": z.number(),
  environment: z.string().optional(),
  needs: z.string().optional(),
  if: z.string().optional(),
  concurrency: z.object({ group: z.string(), "cancel-in-progress": z.boolean() }).optional(),
  steps: z.array(
    z.looseObject({
      run: z.string().optional(),
      uses: z.string().optional(),
      env: z.record(z.string(), z.string()).optional(),
    }),
  ),
});
const workflow = z.looseObject({ on: z.unknown(), permissions: z.strictObject({}), jobs: z.record(z.string(), job) });
const read = (file: string) => workflow.parse(parse(textOf(file)));
const jobsOf = (file: string) => Object.entries(read(file).jobs);

/** What GitHub itself makes of them is not asked here; actionlint knows its syntax, expressions and contexts. */
describe("ci: the workflows", function () {
  this.timeout(120_000);

  it("have nothing that actionlint finds", async function () {
    const { provideActionlint } = await import("../../../tools/setup/actionlint.mjs");
    const found = await provideActionlint();
    if ("missing" in found) {
      process.stderr.write(`      ${found.missing}\n`);
      return this.skip();
    }
    const paths = workflows.map((file) => join(folder, file));
    try {
      execFileSync(found.path, ["-no-color", ...paths], { cwd: root, stdio: "pipe" });
    } catch (error) {
      assert.fail(String((error as { stdout?: unknown }).stdout));
    }
  });

  it("name every action by the hash of a commit, with its version beside", () => {
    const uses = files.flatMap((file) => textOf(file).match(/^\s*-?\s*uses:.*$/gm) ?? []);
    assert.ok(uses.length > 5);
    for (const line of uses.filter((line) => !line.includes("uses: ./")))
      assert.match(line, /uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("take no text of an event into a script", () => {
    const scripts = workflows.flatMap((file) => jobsOf(file).flatMap(([, { steps }]) => steps.map(({ run }) => run)));
    const filled = scripts.filter((script) => script !== undefined);
    assert.ok(filled.length > 5);
    for (const script of filled) assert.doesNotMatch(script, /\$\{\{/);
  });

  it("run npm scripts that there are", () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
    const named = workflows.flatMap((file) => [...textOf(file).matchAll(/npm run (?:-s )?([\w:-]+)/g)]);
    assert.ok(named.length > 5);
    for (const [, name = ""] of named) assert.ok(name in scripts, `npm run ${name}`);
  });

  it("give every job its own rights and an end", () => {
    for (const file of workflows)
      for (const [name, { permissions }] of jobsOf(file)) {
        assert.equal(permissions["contents"], "read", `${file} ${name}`);
        const more = Object.entries(permissions).filter(([, right]) => right === "write");
        const wanted = name === "comment" ? "pull-requests" : "id-token";
        for (const [scope] of more) assert.equal(scope, wanted, `${file} ${name}`);
      }
  });

  it("log in to AWS by OIDC alone: no secret of theirs is a key", () => {
    for (const file of files) {
      for (const [, name = ""] of textOf(file).matchAll(/secrets\.(\w+)/g))
        assert.equal(name, "PULUMI_CONFIG_PASSPHRASE", file);
      assert.doesNotMatch(textOf(file), /access-key|AWS_SECRET|AWS_ACCESS/i, file);
    }
  });
});

describe("ci: a pull request", () => {
  const jobs = read("workflows/pull-request.yml").jobs;

  it("from a fork gets the risk check, and neither secret nor role nor a right to write", () => {
    assert.equal(jobs["risk"]?.if, undefined);
    assert.deepEqual(jobs["risk"]?.permissions, { contents: "read" });
    assert.doesNotMatch(JSON.stringify(jobs["risk"]), /secrets\.|AWS_ROLE|github\.token/);
    assert.match(jobs["preview"]?.if ?? "", /head\.repo\.full_name == github\.repository/);
    assert.equal(jobs["comment"]?.needs, "preview");
    assert.match(jobs["comment"]?.if ?? "", /needs\.preview\.result != 'skipped'/);
    assert.doesNotMatch(textOf("workflows/pull-request.yml"), /pull_request_target/);
  });

  it("previews every stack on AWS, and changes none", () => {
    const stacks = z.object({ matrix: z.object({ stack: z.array(z.string()) }) }).parse(jobs["preview"]?.["strategy"]);
    const there = readdirSync(root).flatMap((name) => /^Pulumi\.(\w+)\.yaml$/.exec(name)?.[1] ?? []);
    assert.deepEqual(stacks.matrix.stack.toSorted(), there.filter((name) => name !== "local").toSorted());
    assert.doesNotMatch(textOf("workflows/pull-request.yml"), /npm run (-s )?(up|start|destroy)/);
    const comment = jobs["comment"]?.steps.map(({ run }) => run ?? "").join("\n") ?? "";
    assert.ok(comment.includes(`--stacks ${stacks.matrix.stack.join(",")}`));
  });

  it("runs on no machine of one's own, which it could leave something on", () => {
    const runners = ["workflows/pull-request.yml", "workflows/test.yml"].flatMap((file) =>
      jobsOf(file).map(([, { "runs-on": runner }]) => runner),
    );
    assert.deepEqual([...new Set(runners)], ["ubuntu-24.04"]);
  });
});

describe("ci: promotion", () => {
  const jobs = read("workflows/deploy.yml").jobs;

  it("goes from dev to staging to prod, each in the environment that GitHub guards, and begins on main only", () => {
    assert.equal(jobs["dev"]?.if, "github.ref == 'refs/heads/main'");
    for (const name of ["staging", "prod-preview", "prod"]) assert.equal(jobs[name]?.if, undefined);
    assert.equal(jobs["staging"]?.needs, "dev");
    assert.equal(jobs["prod-preview"]?.needs, "staging");
    assert.equal(jobs["prod"]?.needs, "prod-preview");
    for (const stack of ["dev", "staging", "prod"]) {
      assert.equal(jobs[stack]?.environment, stack);
      assert.deepEqual(jobs[stack]?.["env"], { STACK: stack });
    }
  });

  it("never runs two updates of a stack at once, nor ends one for another", () => {
    for (const stack of ["dev", "staging", "prod"])
      assert.deepEqual(jobs[stack]?.concurrency, { group: `deploy-${stack}`, "cancel-in-progress": false });
  });
});
