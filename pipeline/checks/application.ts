import { createRequire } from "node:module";
import type { ConnectionOptions } from "node:tls";
import { z } from "zod";
import { type Database, type Finding, findingSchema } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { readPassword } from "../postgres/connection.js";
import { nodeTls } from "../postgres/tls.js";
import { wholeView } from "./wholeView.js";

/** What a checks module is given to connect with. */
export interface ChecksConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** Settings of the session, as pg and libpq take them: where row security would hide rows, a query is refused instead. */
  readonly options: string;
  /** PostgreSQL schema of Prisma's connection, for `new PrismaPg(connection, { schema })`; absent: `public`. */
  readonly schema?: string;
  /** How the connection is encrypted; absent: not. */
  readonly ssl?: ConnectionOptions;
}

const checksResult = z.strictObject({
  /** Counts by name, shown in the health object. */
  counts: z.record(z.string(), z.int()),
  findings: z.array(findingSchema),
});
export type ChecksResult = z.infer<typeof checksResult>;

type Checks = (connection: ChecksConnection) => Promise<unknown>;

/** Runs the application's own checks (`prisma/checks.ts`), bundled at `path`. @throws PipelineError if they cannot run. */
export async function runApplicationChecks(path: string, database: Database): Promise<ChecksResult> {
  const checks = load(path);
  const { host, port, user, name, schema } = database;
  const password = await readPassword(database.password, database);
  const options = Object.entries(wholeView)
    .map(([setting, value]) => `-c ${setting}=${value}`)
    .join(" ");
  let answer: unknown;
  try {
    answer = await checks({
      host,
      port,
      user,
      password,
      database: name,
      options,
      ...(schema === undefined ? {} : { schema }),
      ...(database.tls === undefined ? {} : { ssl: await nodeTls(database.tls, host) }),
    });
  } catch (error) {
    throw checksError(path, messageOf(error), error);
  }
  const parsed = checksResult.safeParse(answer);
  if (!parsed.success) throw checksError(path, `their result is wrong:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

export function failedFindings(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ severity }) => severity === "error");
}

function load(path: string): Checks {
  let module: unknown;
  try {
    // The path is known only at run time, so a bundler must not follow it.
    module = createRequire(path)(path);
  } catch (error) {
    throw checksError(path, messageOf(error), error);
  }
  const parsed = z.object({ default: z.custom<Checks>((value) => typeof value === "function") }).safeParse(module);
  if (!parsed.success) throw checksError(path, "the module has no default export that is a function");
  return parsed.data.default;
}

function checksError(path: string, reason: string, cause?: unknown): PipelineError {
  return new PipelineError(
    {
      code: "CHECKS_FAILED_TO_RUN",
      kind: "failedUnchanged",
      message: `The application's checks (${path}) could not be run: ${reason}`,
      state: "The checks only read; nothing was changed by them.",
      next: "Mend the checks module (project.checks), then run: npm run db:verify",
    },
    { cause },
  );
}
