import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type RunResult, run } from "../../pipeline/process.js";
import { Checkout } from "../support/checkout.js";
import { inSteps } from "../support/inSteps.js";

const root = resolve(__dirname, "../..");
const text = readFileSync(resolve(root, "docs/plan-de-migracion.md"), "utf8");

/** Commands as the document has them: in code, whole. */
function commandsIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/```bash\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.split("\n"));
  const inline = [...markdown.replace(/```[\s\S]*?```/g, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  const isCommand = (line: string) => /^(NODE_ENV=\w+ )?(npm (run|start)|scripts\/|pm2 )/.test(line);
  return [...new Set([...blocks, ...inline].map((line) => line.trim()).filter(isCommand))];
}

/** Not run here, each for a reason. */
const elsewhere: Readonly<Record<string, string>> = {
  "npm run test": "runs this test",
  "npm run test:integration": "runs this test",
  "npm run db:restore:checkpoint -- --at 2026-01-31T14:05:00Z": "needs a host's WAL archive; test/hosts runs it there",
  "pm2 stop happy-baby-style-backend": "pm2's own; test/pipeline holds recover to it",
  "pm2 start happy-baby-style-backend": "pm2's own; test/pipeline holds recover to it",
};

/** In an order that a person may have; first what makes the stack. */
const order = [
  "npm start",
  "npm run prisma:generate",
  "npm run prisma:migrate:create",
  "npm run prisma:migrate:dev",
  'npm run prisma:migrate:dev --name "add_new_feature"',
  "npm run prisma:migrate:status",
  "npm run db:backup",
  "npm run db:backup:production",
  "scripts/safe-migration.sh",
  "NODE_ENV=staging npm run prisma:migrate:deploy",
  "NODE_ENV=production npm run prisma:migrate:deploy",
  "npm run prisma:migrate:deploy",
  "npm run db:verify",
  "npm run db:verify:production",
  "npm run health:check",
  "npm run risk",
  "npm run approve -- --list",
  "npm run report",
  'npm run report -- --note "crear el índice CONCURRENTLY"',
  "npm run db:verdict",
  "npm run db:diagnose",
  "npm run db:checkpoint -- --name antes-de-reparar",
  "npm run db:restore:checkpoint",
  "npm run db:repair",
  "npm run db:rollback",
  "npm run recover",
  "npm run db:restore",
  "scripts/rollback-migration.sh",
  "npm run prisma:migrate:reset",
];

/**
 * The document's commands, each run once. Those for staging and production run on the local stack: that they reach a host is
 * proved with hosts.
 */
describe("docs/plan-de-migracion.md", function () {
  this.timeout(600_000);
  inSteps(this);
  let checkout: Checkout;

  before(async () => {
    checkout = await Checkout.make(
      "config:\n  safe-migration:sample: { users: 50, orders: 100 }\n  safe-migration:application: { process: '' }\n",
    );
  });
  after(() => checkout.remove());

  const go = (command: string): Promise<RunResult> => {
    const plain = command.replace(/^NODE_ENV=\w+ /, "");
    if (plain.startsWith("scripts/")) {
      return run("bash", [plain], { cwd: checkout.folder, env: { ...process.env, NODE_ENV: "" } });
    }
    const words = [...plain.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    const [, first = "", ...rest] = words;
    const [script = "", ...args] = first === "start" ? [first] : rest;
    // npm keeps a flag that has no -- before it, and hands it on in the environment.
    const named: Record<string, string> = args[0] === "--name" ? { npm_config_name: args[1] ?? "" } : {};
    const given = args[0] === "--" ? args.slice(1) : [];
    const here = script.endsWith(":production") ? ["--environment", "local"] : [];
    const migration = script === "prisma:migrate:create" ? ["--name", "from_the_plan"] : [];
    const force = script === "prisma:migrate:reset" ? ["--force"] : [];
    return checkout.npm(script, [...given, ...here, ...migration, ...force], { env: named });
  };

  /** Something that Prisma's schema knows nothing of, with its way back. */
  const fill = async (name: string) => {
    const folder = (await readdir(checkout.path("prisma/migrations"))).find((entry) => entry.endsWith(`_${name}`));
    const write = (file: string, sql: string) => writeFile(checkout.path("prisma/migrations", folder ?? "", file), sql);
    await write("migration.sql", "COMMENT ON TABLE orders IS 'what is bought';\n");
    await write("down.sql", "COMMENT ON TABLE orders IS NULL;\n");
  };

  it("names no command that is not run, and none is run that it does not name", () => {
    assert.deepEqual(commandsIn(text).sort(), [...order, ...Object.keys(elsewhere)].sort());
    const { scripts } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as { scripts: object };
    for (const command of Object.keys(elsewhere)) {
      const name = /^npm run (\S+)/.exec(command)?.[1];
      if (name !== undefined) assert.ok(name in scripts, command);
    }
  });

  for (const command of order) {
    it(command, async () => {
      const { exitCode, stdout, stderr } = await go(command);
      assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
      if (command === "npm run prisma:migrate:create") await fill("from_the_plan");
    });
  }
});
