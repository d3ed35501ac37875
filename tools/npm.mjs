/**
 * The entry of every npm script: `node tools/npm.mjs <script> [arguments…]`. It makes sure that what the script needs is set
 * up, which works on a fresh clone, and hands over to the script's TypeScript. Only Node's own modules are used up to there.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import { setUp } from "./setup/index.mjs";
import { noMachinesHere } from "./setup/machines.mjs";
import { root } from "./setup/places.mjs";
import { say, SetupError } from "./setup/say.mjs";

const everything = ["packages", "postgres", "pulumi"];
const database = ["packages", "postgres"];

/**
 * What each script needs and runs.
 *
 * `alone`: what a script does that takes no flags. `machines`: it makes some, and is refused where that cannot be.
 *
 * @type {Record<string, { needs: readonly string[], run?: readonly string[], here?: string, alone?: string, machines?: boolean, there?: { needs: readonly string[], run: readonly string[] } }>}
 */
const scripts = {
  // Stacks
  start: { needs: everything, run: ["tools/stack.ts", "start"] },
  up: { needs: everything, run: ["tools/stack.ts", "up"] },
  preview: { needs: everything, run: ["tools/stack.ts", "preview"] },
  destroy: { needs: everything, run: ["tools/stack.ts", "destroy"] },
  outputs: { needs: everything, run: ["tools/stack.ts", "outputs"] },
  export: { needs: everything, run: ["tools/stack.ts", "export"] },
  demo: {
    needs: [...everything, "hosts"],
    run: ["test/support/hosts/demo.ts"],
    machines: true,
    alone:
      "brings up dev, staging and prod on this machine (root, Linux), promotes a change, shows one that fails and those that are refused, and removes it all",
  },
  keys: { needs: ["packages", "pulumi"], run: ["tools/commands/keys.ts"] },
  approve: { needs: ["packages", "pulumi"], run: ["tools/commands/approve.ts"] },

  // The project's own checks
  test: { needs: [...everything, "hosts"], run: ["tools/test.ts", "all"] },
  "test:unit": { needs: everything, run: ["tools/test.ts", "unit"] },
  "test:integration": {
    needs: [...everything, "hosts"],
    run: ["tools/test.ts", "integration"],
    // Of an environment that NODE_ENV names: what is checked out against its database, where it is.
    there: { needs: everything, run: ["tools/commands/integration.ts"] },
  },
  lint: {
    needs: ["packages"],
    run: ["tools/test.ts", "checks"],
    alone: "checks types, lint and format",
  },

  // Set-up alone, looking at everything afresh
  setup: { needs: everything, alone: "sets up all that the other scripts need, looking at everything afresh" },

  // The application's databases, for the environment that NODE_ENV names
  ...Object.fromEntries(
    [
      "backup",
      "restore",
      "restore:checkpoint",
      "checkpoint",
      "rollback",
      "verdict",
      "accept",
      "diagnose",
      "repair",
      "verify",
      "status",
      "preflight",
    ].map((name) => [`db:${name}`, { needs: database, run: ["tools/commands/db.ts", name] }]),
  ),
  db: { needs: database, run: ["tools/commands/db.ts"] },
  "db:backup:production": { needs: everything, run: ["tools/commands/db.ts", "backup", "--environment", "prod"] },
  "db:verify:production": { needs: everything, run: ["tools/commands/db.ts", "verify", "--environment", "prod"] },
  "staging:refresh": { needs: everything, run: ["tools/commands/db.ts", "refresh", "--environment", "staging"] },
  recover: { needs: database, run: ["tools/commands/db.ts", "recover"] },
  "health:check": { needs: database, run: ["tools/commands/db.ts", "health"] },
  "prisma:migrate:deploy": { needs: database, run: ["tools/commands/db.ts", "deploy"] },
  "prisma:generate": { needs: ["packages"], run: ["tools/commands/prisma.ts", "generate"] },
  ...Object.fromEntries(
    ["dev", "status", "reset", "create", "resolve"].map((name) => [
      `prisma:migrate:${name}`,
      { needs: database, run: ["tools/commands/prisma.ts", name] },
    ]),
  ),
  // Judges SQL alone; the database is asked only which migrations are pending, where it is there.
  risk: { needs: ["packages"], here: "tools/commands/risk.cjs" },
  docs: {
    needs: ["packages"],
    run: ["tools/docs/configuration.ts"],
    alone: "writes docs/configuration.md anew from the configuration's schema",
  },
  logs: { needs: ["packages"], run: ["tools/commands/logs.ts"] },
  report: { needs: ["packages"], run: ["tools/commands/report.ts"] },
  "docs:risks": {
    needs: ["packages"],
    run: ["tools/commands/riskPages.ts"],
    alone: "writes the pages of docs/risks anew from the rules",
  },
  "ci:preview": { needs: everything, run: ["tools/commands/ci.ts", "preview"] },
  "ci:comment": { needs: ["packages"], run: ["tools/commands/ci.ts", "comment"] },
  "emergency:drill": { needs: database, run: ["tools/commands/drill.ts"] },
  bench: { needs: database, run: ["bench/index.ts"] },
};

function fail(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

/**
 * Runs a TypeScript file to its end in a process that takes this one's place: same terminal, signals, exit code.
 *
 * It leads a process group of its own. A terminal sends Ctrl-C to everyone in its group and npm sends it on once more; so it
 * is taken here, and sent on once for each press, to the one process that knows what to do about it.
 */
function handOver([file, ...fixed], args, env) {
  const child = spawn(
    process.execPath,
    ["--require", join(root, "tools", "loader.cjs"), join(root, file), ...fixed, ...args],
    {
      cwd: root,
      stdio: "inherit",
      detached: true,
      env: { ...process.env, ...env },
    },
  );
  let last = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (Date.now() - last > 1_000) child.kill(signal);
      last = Date.now();
    });
  }
  child.on("error", (error) => fail(`${file}: ${error.message}`, 1));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** Runs a file that needs no TypeScript loader in this very process: it starts at once. */
function runHere(file, args) {
  process.chdir(root);
  process.argv = [process.execPath, join(root, file), ...args];
  createRequire(import.meta.url)(join(root, file));
}

/** A script without flags has its help, and refuses what it would pass over. */
function assertAlone(name, about, args) {
  if (about === undefined || args.length === 0) return;
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(
      `Usage: npm run ${name}\n\n${about.charAt(0).toUpperCase()}${about.slice(1)}. It takes no flags.\n`,
    );
    process.exit(0);
  }
  fail(`npm run ${name} takes no flags or arguments, and was given: ${args.join(" ")}. Nothing was touched.`, 2);
}

/** Whether NODE_ENV names another environment than the local one. */
const elsewhere = !["", "test", "local"].includes(process.env.NODE_ENV ?? "");

/** The commands on an environment other than the local one look at its stack's outputs. */
function needsOf(needs, args) {
  const named = args.some((arg) => /^(--environment|--stack|-s)/.test(arg));
  return elsewhere || named ? [...new Set([...needs, "pulumi"])] : needs;
}

async function main([name, ...args]) {
  const known = Object.hasOwn(scripts, name ?? "") ? scripts[name] : undefined;
  const script = (elsewhere && known?.there) || known;
  if (!script) fail(`There is no script "${name ?? ""}". Known: ${Object.keys(scripts).join(", ")}.`, 2);
  assertAlone(name, script.alone, args);
  const reason = script.machines ? noMachinesHere() : undefined;
  // Before what is set up for it, which may take minutes.
  if (reason !== undefined)
    fail(`npm run ${name} needs machines of its own, which cannot be made here: ${reason}. Nothing was changed.`, 2);
  try {
    const env = await setUp(needsOf(script.needs, args), { lookAgain: name === "setup" });
    if (script.here) runHere(script.here, args);
    else if (script.run) handOver(script.run, args, env);
    else say("everything is in place");
  } catch (error) {
    if (error instanceof SetupError) fail(`set-up failed: ${error.message}`, 1);
    fail(`set-up failed: ${error.stack ?? error.message}`, 1);
  }
}

await main(process.argv.slice(2));
