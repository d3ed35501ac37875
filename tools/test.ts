/**
 * `npm test`: the static checks (each counts as one test), then mocha, in lanes side by side where there are cores for it: much of the
 * time of each is waiting, for hosts that are set up and for Pulumi's engine. The very last line is `N passed, N failed`, with
 * `, N skipped` if there are any.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { generateClient } from "./build/client.js";
import { none, parseCounts, sum, summary, type Counts } from "./testing/counts.js";
import { tellEnded } from "./testing/ended.js";
import { type Sink, Turns } from "./testing/turns.js";

const root = resolve(__dirname, "..");

const checks = [
  { name: "tsc --noEmit", args: ["typescript/bin/tsc", "--noEmit"] },
  { name: "eslint", args: ["eslint/bin/eslint.js", "--max-warnings", "0", "."] },
  { name: "prettier --check", args: ["prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."] },
];

/** What each suite runs; the folders of a lane one after the other, lanes side by side. */
const suites = {
  all: {
    checks: true,
    lanes: [["test/unit", "test/components", "test/hosts"], ["test/pipeline"], ["test/engine"]],
  },
  checks: { checks: true, lanes: [] },
  unit: { checks: false, lanes: [["test/unit", "test/components"]] },
  integration: { checks: false, lanes: [["test/hosts"], ["test/pipeline", "test/engine"]] },
} as const;

function isSuite(name: string): name is keyof typeof suites {
  return name in suites;
}

/** Aborted, with the signal's name, by Ctrl-C and its like: what runs is ended, and nothing else is begun. */
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopped.abort(signal));
const signalled = 128;

/** Runs one of node_modules' programs to its end. @returns its exit code, 128 and more if a signal ended it */
function run(
  node: readonly string[],
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  sink: Sink,
): Promise<number> {
  if (stopped.signal.aborted) return Promise.resolve(signalled);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...node, join(root, "node_modules", program), ...args], {
      cwd: root,
      stdio: ["inherit", "pipe", "pipe", "ipc"],
      env: { ...process.env, ...env },
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => sink.write(chunk));
    child.on("message", (message) => {
      const line = tellEnded(message);
      if (line !== undefined) sink.tell(line);
    });
    const stop = () => child.kill(stopped.signal.reason as NodeJS.Signals);
    stopped.signal.addEventListener("abort", stop);
    child.on("error", reject);
    child.on("close", (code) => {
      stopped.signal.removeEventListener("abort", stop);
      resolve(code ?? signalled);
    });
  });
}

async function runChecks(sink: Sink): Promise<Counts> {
  let counts = none;
  for (const {
    name,
    args: [program = "", ...args],
  } of checks) {
    if (stopped.signal.aborted) break;
    const start = Date.now();
    const code = await run([], program, args, {}, sink);
    const took = `${((Date.now() - start) / 1000).toFixed(1)} s`;
    sink.write(
      code === 0 ? `  ✔ ${name} (${took})\n` : `  ✗ ${name} (${took}): failed with exit code ${code}, see above\n`,
    );
    counts = sum(counts, { ...none, [code === 0 ? "passed" : "failed"]: 1 });
  }
  return counts;
}

async function runMocha(folders: readonly string[], args: readonly string[], sink: Sink): Promise<Counts> {
  const temporary = mkdtempSync(join(tmpdir(), "safe-migration-test-"));
  const file = join(temporary, "counts.json");
  const hooks = join(root, "test", "support", "hooks.ts");
  try {
    const specs = folders.filter((folder) => existsSync(join(root, folder))).map((folder) => `${folder}/**/*.test.ts`);
    const options = ["--timeout", "120000", "--reporter", join(root, "tools", "reporter.cjs"), "--exit"];
    if (existsSync(hooks)) options.push("--require", hooks);
    if (process.stdout.isTTY) options.push("--color");
    const env = { TEST_COUNTS: file };
    const code = await run(
      ["--require", join(root, "tools", "loader.cjs")],
      "mocha/bin/mocha.js",
      [...options, ...args, ...specs],
      env,
      sink,
    );
    const counts = parseCounts(existsSync(file) ? readFileSync(file, "utf8") : undefined);
    // Something outside the tests failed: a file that cannot be loaded, a hook after the last test.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

const usage = `Usage: npm test -- [flags of mocha]   (npm run test:unit, test:integration)

Runs static checks and tests; flags go to mocha, e.g. --grep WORDS or --bail. The last line is "N passed, N failed", with
", N skipped" where some need what this machine has not. Exit codes: 0 all passed, 1 not.
`;

async function main([name = "all", ...args]: readonly string[]): Promise<number> {
  if (!isSuite(name)) throw new Error(`unknown suite ${name}; known: ${Object.keys(suites).join(", ")}`);
  if (args.includes("--help")) {
    process.stdout.write(usage);
    return 0;
  }
  const suite = suites[name];
  // The checks and the tests import the sample's Prisma client, which git does not keep.
  await generateClient({
    schema: join(root, "prisma/schema.prisma"),
    migrations: join(root, "prisma/migrations"),
    build: join(root, ".build"),
  });
  const turns = new Turns((chunk) => process.stdout.write(chunk));
  const atOnce = availableParallelism() > 1;
  const lanes: readonly (readonly string[])[] = atOnce ? suite.lanes : [suite.lanes.flat()];
  const counts = await Promise.all(
    (lanes.length > 0 ? lanes : [[]]).map(async (folders, index) => {
      const sink = turns.next();
      try {
        const checked = suite.checks && index === 0 ? await runChecks(sink) : none;
        return folders.length > 0 ? sum(checked, await runMocha(folders, args, sink)) : checked;
      } finally {
        sink.end();
      }
    }),
  ).then((all) => all.reduce(sum, none));
  process.stdout.write(`\n${summary(counts)}\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

void main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
