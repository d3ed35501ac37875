import assert from "node:assert/strict";
import { appendFile, readFile, rm } from "node:fs/promises";
import { unpackScript } from "../../components/userData/script.js";
import { AwsAccount, type StackName, stacks } from "../support/aws/account.js";
import { ask, shop } from "../support/aws/servers.js";
import { inSteps } from "../support/inSteps.js";
import { ProcessList } from "../support/processList.js";

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;
const pipeline = ["preflight", "backup", "rehearse", "migrate", "verify"].map((stage) => `pipeline-${stage}`);
/** What each update runs. */
const stages = [...pipeline, "measure"];
const dangerous = "20260601000000_forget_phones";
const forget = 'UPDATE "user_profiles" SET "phone" = NULL;\n';
const unproved = "20260602000000_note";

/** What the engine says it does, or would do, to each resource: `+ aws:s3:Bucket backups-dev-bucket`. */
function changes(output: string): string[] {
  const lines = [...output.matchAll(/^ *([-+~]+) +(\S+:\S+) (\S+) /gm)].map(([, sign, type, name]) =>
    [sign, type, name].join(" "),
  );
  return [...new Set(lines)].sort();
}
const updated = (names: readonly string[]) => names.map((name) => `~ command:remote:Command ${name}`).sort();

/**
 * `dev`, `staging` and `prod` as they are shipped, as people type it: the real engine, PostgreSQL, SSH and S3's API; AWS's
 * control plane is a stand-in, and the hosts are this machine. Each step stands on the one before.
 */
describe("the stacks on AWS, through the engine", function () {
  this.timeout(300_000);
  inSteps(this);
  let account: AwsAccount;
  /** All that the commands printed. */
  const printed: string[] = [];
  let processes: ProcessList;

  before(async function () {
    account = await AwsAccount.startOrSkip(this);
    await account.checkout.addMigration(dangerous, forget);
    processes = new ProcessList();
  });
  after(async () => {
    await processes?.stop();
    await account?.stop();
  });

  const passes = async (script: string, stack: StackName, args: readonly string[] = []) => {
    const result = await account.npm(script, stack, args);
    printed.push(all(result));
    assert.equal(result.exitCode, 0, all(result));
    return result.stdout;
  };
  const refuses = async (script: string, stack: StackName, args: readonly string[] = [], env = {}) => {
    const result = await account.npm(script, stack, args, env);
    printed.push(all(result));
    assert.notEqual(result.exitCode, 0, all(result));
    return all(result);
  };
  const remove = (migration: string) =>
    rm(account.checkout.path("prisma/migrations", migration), { recursive: true, force: true });

  it("says at once that the aws plugin is missing where it cannot be had, and how to get it", async function () {
    const { PATH = "", PULUMI_HOME = "" } = process.env;
    const { awsPluginIsAtHand } = await import("../../tools/setup/awsPlugin.mjs");
    if (awsPluginIsAtHand(PULUMI_HOME, PATH)) this.skip();
    const missing = await refuses("preview", "dev", [], { PATH, SAFE_MIGRATION_OFFLINE: "1" });
    assert.doesNotMatch(missing, /downloading/);
    assert.match(missing, /Pending migrations/);
    assert.match(missing, /The aws plugin \d+\.\d+\.\d+, .* is not on this machine[^]*plugin install resource aws /);
  });

  it("refuses prod before staging, no credentials and a region that is none, each before anything is made", async () => {
    const early = await refuses("up", "prod");
    assert.match(early, /the stack "staging" records no verified run/);
    assert.match(early, /Next: Bring it up first: npm run up -- --stack staging/);
    assert.match(await refuses("up", "dev", [], { AWS_ACCESS_KEY_ID: "" }), /No valid credential sources found/);
    await account.set("dev", "aws:region", "eu-wst-1");
    assert.match(await refuses("up", "dev"), /invalid AWS Region: "eu-wst-1"/);
    await account.set("dev", "aws:region", "eu-west-1");
    assert.deepEqual(await account.buckets(), []);
    for (const stack of stacks) assert.doesNotMatch(await account.state(stack), /"type": "aws:/);
  });

  it("previews dev: all that it would make, and the migrations to come; and makes nothing", async () => {
    const shown = await passes("preview", "dev");
    for (const made of ["aws:rds:Instance postgres-instance", "aws:s3:Bucket backups-dev-bucket"])
      assert.ok(changes(shown).includes(`+ ${made}`), shown);
    assert.match(shown, /Pending migrations \(against no run of this stack so far\): 8/);
    assert.deepEqual(await account.buckets(), []);
  });

  it("a first update that fails half way leaves what commands by hand need, and says of outputs what there is", async () => {
    assert.match(
      await refuses("outputs", "staging"),
      /has no outputs: it was never brought up[^]*npm run up -- --stack staging/,
    );
    await ask(account.servers.staging, "CREATE TABLE of_nobody (id int)");
    await passes("up", "dev");
    assert.match(await refuses("up", "staging"), /holds what none of them has made:[^]*of_nobody/);
    const shown = await account.npm("outputs", "staging");
    assert.match(shown.stderr, /No update of staging has succeeded yet.*npm run up -- --stack staging/);
    const { store, host, storeAccess } = JSON.parse(shown.stdout) as {
      store: string;
      host: object;
      storeAccess: object;
    };
    assert.match(store, /^s3:\/\/backups-staging-/);
    assert.deepEqual([typeof host, typeof storeAccess], ["object", "object"]);
    assert.match(await passes("db:status", "staging"), /pending/);
    await ask(account.servers.staging, "DROP TABLE of_nobody");
  });

  it("brings up dev, staging and prod, each with what the one before has proved", async () => {
    for (const stack of stacks) {
      // Proved by the others, and not yet for prod.
      if (stack === "prod") await remove(dangerous);
      if (stack !== "dev") await passes("up", stack);
      const outputs = await account.outputs(stack);
      assert.deepEqual((outputs["health"] as { status: string }).status, "healthy");
      assert.equal((outputs["migrations"] as unknown[]).length, stack === "prod" ? 7 : 8);
      assert.match(String(outputs["store"]), new RegExp(`^s3://backups-${stack}-.*/backups\\?region=eu-west-1$`));
      const [applied] = await ask<{ count: string }>(account.servers[stack], "SELECT count(*) FROM _prisma_migrations");
      assert.equal(applied?.count, stack === "prod" ? "7" : "8");
    }
    const [owner] = await ask<{ owner: string }>(
      account.servers.dev,
      "SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'orders'",
    );
    assert.equal(owner?.owner, shop);
    assert.equal((await account.buckets()).length, stacks.length);
  });

  it("changes nothing of AWS the second time: only the pipeline runs", async () => {
    await ask(
      account.servers.prod,
      "INSERT INTO user_profiles (email, first_name, last_name, phone) VALUES ('ana@example.com', 'Ana', 'Ríos', '3001')",
    );
    assert.deepEqual(changes(await passes("up", "prod")), updated(stages));
    // With the migrations that it has.
    await account.checkout.addMigration(dangerous, forget);
    assert.deepEqual(changes(await passes("up", "dev")), updated(["database-prepare", ...stages]));
    assert.deepEqual(changes(await passes("preview", "staging")), updated(stages));
    await remove(dangerous);
  });

  it("shows the logs and the report of stacks whose store is in S3, by their state", async () => {
    assert.match(await passes("logs", "staging", ["--stage", "verify"]), /^\[MIGRATION\] verify /m);
    assert.match(await passes("report", "dev"), /dev/);
  });

  it("prod refuses a migration that staging has not verified, by its name, in a preview", async () => {
    await account.checkout.addMigration(unproved, 'ALTER TABLE "orders" ADD COLUMN "note" TEXT;\n');
    const refused = await refuses("preview", "prod");
    assert.match(refused, /"prod" takes only migrations that "staging" has proved/);
    assert.match(refused, new RegExp(`${unproved}: staging has not verified it`));
    assert.match(refused, /npm run up -- --stack staging/);
    await remove(unproved);
  });

  it("prod refuses a dangerous one until it is approved, with reason, safer way and command; and again when it is edited", async () => {
    await account.checkout.addMigration(dangerous, forget);
    const refusal = (why: string) =>
      new RegExp(
        `not let through on prod:\\s+🔴 ${dangerous}: dangerous, refused: ${why}[^]*UPDATE without WHERE changes every row` +
          `[^]*safer: Name the rows[^]*npm run approve -- --stack prod ${dangerous} --tier dangerous --reason`,
      );
    assert.match(await refuses("preview", "prod"), refusal("no approval"));
    await passes("approve", "prod", [dangerous, "--reason", "asked for by the shop"]);
    const shown = await passes("preview", "prod");
    assert.match(shown, /approved as dangerous by .* \(asked for by the shop\)/);
    assert.deepEqual(
      changes(shown).filter((change) => change.includes(" aws:")),
      [],
    );
    await appendFile(account.checkout.path("prisma/migrations", dangerous, "migration.sql"), " ");
    assert.match(await refuses("preview", "prod"), refusal("approval is for another version of the file"));
    await remove(dangerous);
  });

  it("keeps nothing that opens a door in state, settings, user data, logs, evidence or the list of processes", async () => {
    const states = await Promise.all(stacks.map((stack) => account.state(stack)));
    const settings = stacks.map((stack) => readFile(account.checkout.path(`Pulumi.${stack}.yaml`), "utf8"));
    const userData = states.flatMap((state) =>
      [...state.matchAll(/"userData": ("(?:[^"\\]|\\.)*")/g)].map(([, text = ""]) =>
        unpackScript(JSON.parse(text) as string),
      ),
    );
    assert.equal(new Set(userData).size, stacks.length);
    const evidence = await account.evidence();
    for (const kind of [/\.log$/, /manifest\.json$/, /\.html$/])
      assert.ok(evidence.filter(({ key }) => kind.test(key)).length >= stacks.length, String(kind));
    const started = await processes.stop();
    for (const program of [/pg_dump /, /pg_restore /, /pipeline\.cjs .*verify/, /aws-stand-in-.*provider\.cjs/])
      assert.ok(
        started.some((line) => program.test(line)),
        String(program),
      );
    const doors = [...account.doors, await account.applicationPassword("dev")];
    const texts = [
      ...states,
      ...(await Promise.all(settings)),
      ...userData,
      ...evidence.map(({ text }) => text),
      printed.join("\n"),
      await passes("export", "prod"),
    ];
    // What others run on this machine is theirs, and may speak of keys.
    for (const [at, text] of [...texts, started.join("\n")].entries()) {
      for (const door of doors) assert.ok(door.length > 10 && !text.includes(door), `text ${at}`);
      if (at < texts.length) assert.ok(!text.includes("PRIVATE KEY"), `text ${at}`);
    }
  });

  it("deletes neither prod, nor the database and backups of dev, whoever asks for it", async () => {
    const before = await account.buckets();
    assert.match(
      await refuses("destroy", "prod"),
      /destroy on prod was not confirmed[^]*Nothing was touched[^]*--yes prod/,
    );
    const state = await account.state("prod");
    assert.match(
      await refuses("destroy", "prod", ["--yes", "prod"]),
      /protected resources, so nothing of it is destroyed:[^]*aws:s3\/bucket:Bucket backups-prod-bucket[^]*Nothing was touched/,
    );
    assert.equal(await account.state("prod"), state);
    const refused = await refuses("destroy", "dev");
    assert.match(refused, /Cannot delete protected DB Instance|bucket you tried to delete is not empty/);
    // What the backups were encrypted with is there as long as they are.
    assert.match(await account.state("dev"), /aws:rds\/instance:Instance::postgres-instance"/);
    assert.match(await account.state("dev"), /aws:kms\/key:Key::backups-dev-key"/);
    assert.deepEqual(await account.buckets(), before);
  });
});
