import { z } from "zod";
import { verifyResult } from "../../pipeline/contracts.js";
import { PipelineError, exitCodes } from "../../pipeline/errors.js";
import { processOptions } from "../../pipeline/processOptions.js";
import { summary } from "../testing/counts.js";
import { commandLine, stackOption } from "./commandLine.js";
import { reportFailure } from "./reportFailure.js";
import type { RunNamed } from "./runNamed.js";
import { readTarget } from "./target.js";
import { withStages } from "./there/withStages.js";

/**
 * `NODE_ENV=staging npm run test:integration`: what is checked out here, held against the environment's own database, where it is.
 * Each line is one test. It only reads the database; what verify finds is in the store, as of any run.
 */

interface Test {
  readonly name: string;
  /** What was found, for the line; throws where the test fails. */
  run(): Promise<string>;
}

const statusSeen = z.object({
  database: z.string(),
  systemIdentifier: z.string(),
  applied: z.array(z.unknown()),
  pending: z.array(z.object({ name: z.string() })),
  failed: z.array(z.string()),
  edited: z.array(z.string()),
  missing: z.array(z.string()),
});

function testsOf(request: object, run: RunNamed): Test[] {
  return [
    {
      name: "every migration of the folder is applied, as it stands here, and no other",
      async run() {
        const seen = statusSeen.parse(await run("status", request));
        const { pending, failed, edited, missing } = seen;
        const wrong = Object.entries({ pending: pending.map(({ name }) => name), failed, edited, missing })
          .filter(([, names]) => names.length > 0)
          .map(([what, names]) => `${what}: ${names.join(", ")}`);
        if (wrong.length > 0) throw new Error(wrong.join("; "));
        return `${seen.applied.length} in database "${seen.database}" of server ${seen.systemIdentifier}`;
      },
    },
    {
      name: "no drift, no orphan of any relation, no invalid index or constraint; the application's own checks",
      async run() {
        const { relations, findings, counts } = verifyResult.parse(await run("verify", request));
        const said = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
        return [`${relations} relations`, ...said, ...findings.map(({ message }) => `warning: ${message}`)].join(", ");
      },
    },
    {
      name: "the environment is healthy",
      async run() {
        const { status, tables } = z
          .object({ status: z.string(), tables: z.int() })
          .parse(await run("health", request));
        if (status !== "healthy") throw new Error(status);
        return `${tables} tables`;
      },
    },
  ];
}

async function main(environment: string): Promise<number> {
  const options = processOptions("text", "warn");
  const counts = { passed: 0, failed: 0, skipped: 0 };
  await withStages(readTarget(environment), options, new WeakSet(), async (request, run) => {
    for (const test of testsOf(request, run)) {
      try {
        const found = await test.run();
        counts.passed++;
        process.stdout.write(`  ✔ ${environment}: ${test.name} (${found})\n`);
      } catch (error) {
        if (options.signal.aborted) throw error;
        counts.failed++;
        const { message } = error as Error;
        process.stdout.write(`  ✗ ${environment}: ${test.name}: ${message}\n`);
        if (error instanceof PipelineError) process.stdout.write(`    ${error.state}\n    Next: ${error.next}\n`);
      }
    }
  });
  process.stdout.write(`\n${summary(counts)}\n`);
  return counts.failed === 0 ? exitCodes.ok : exitCodes.failedUnchanged;
}

commandLine(
  "test:integration",
  "Holds what is checked out here against the environment's own database, where it is: applied migrations, what verify looks at, health. Each line is one test; without NODE_ENV, the project's own tests run instead.",
  { failedUnchanged: "a test failed" },
)
  .addOption(stackOption())
  .action(async ({ stack }: { stack: string }) => {
    process.exitCode = await main(stack);
  })
  .parseAsync(process.argv)
  .catch(reportFailure);
