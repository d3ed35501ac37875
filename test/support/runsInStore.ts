import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { migrateResult, preflightResult, verifyResult, backupResult } from "../../pipeline/contracts.js";

/** A run as its evidence says it went. */
export interface MadeRun {
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly end: "verified" | "refused" | "failed";
  /** Time of each of its stages, in milliseconds. */
  readonly stageMs: number;
  readonly applied?: number;
  readonly refusedMs?: number;
  readonly databaseBytes?: number;
  readonly risky?: boolean;
}

/** Writes the evidence of runs into a folder store, in the form in which the stages leave it. */
export async function makeRuns(root: string, environment: string, runs: readonly MadeRun[]): Promise<void> {
  for (const made of runs) {
    const folder = join(root, environment, made.run);
    await mkdir(folder, { recursive: true });
    for (const [name, content] of Object.entries(filesOf(environment, made)))
      await writeFile(join(folder, name), content);
  }
}

function filesOf(environment: string, made: MadeRun): Record<string, string> {
  const { run, started, stageMs, end, applied = 1, refusedMs, databaseBytes = 1_000_000, risky = false } = made;
  const stamp = (stage: number) => ({
    run,
    environment,
    at: new Date(started + stage * stageMs).toISOString(),
    durationMs: stageMs,
  });
  const refs = Array.from({ length: applied }, (_, at) => ({ name: `2026010100000${at}_change`, checksum: "ab" }));
  const identity = { systemIdentifier: "7", database: "shop", serverVersion: "17.1" };
  const risk = { verdict: "passed", why: "", findings: [], omitted: 0, evidence: [], prismaWarnings: [], unknowns: [] };
  const preflight = preflightResult.parse({
    stage: "preflight",
    ...stamp(0),
    identity,
    databaseBytes,
    applied: [],
    pending: refs,
    warnings: [],
    risks: risky ? refs.map(({ name: migration, checksum }) => ({ migration, checksum, tier: "risky", ...risk })) : [],
  });
  const backup = backupResult.parse({
    stage: "backup",
    ...stamp(1),
    id: run,
    location: `file:///${run}`,
    manifestSha256: "cd",
    identity,
    tables: 3,
    rows: 1_000,
    bytes: Math.round(databaseBytes / 5),
    removed: [],
  });
  const migrate = migrateResult.parse({
    stage: "migrate",
    ...stamp(2),
    backup: run,
    applied: refs.map((ref) => ({ ...ref, durationMs: 10, attempts: 1 })),
    ...(refusedMs === undefined
      ? {}
      : {
          availability: {
            requests: 100,
            refused: refusedMs === 0 ? 0 : 1,
            refusedMs,
            longestRefusedMs: refusedMs,
            refusedAfterMs: 1_000,
            budgetMs: 300_000,
            waited: { sessions: 0, longestMs: 0 },
            targets: [],
            tablesLeftOut: 0,
          },
        }),
  });
  const verify = verifyResult.parse({
    stage: "verify",
    ...stamp(3),
    migrations: refs,
    counts: {},
    relations: 4,
    findings: [],
    health: { status: "healthy", tables: 3 },
    report: `file:///${run}/report.md`,
  });
  const ok = (result: unknown) => JSON.stringify({ ok: true, result });
  const failed = (code: string, kind: string) =>
    JSON.stringify({ ok: false, error: { code, kind, message: `${code} it was`, state: "s", next: "n" } });
  const log = (stage: number) =>
    [0, stageMs]
      .map((elapsed) => ({
        time: new Date(started + stage * stageMs + elapsed).toISOString(),
        level: "info",
        elapsed: elapsed / 1_000,
        message: "m",
      }))
      .map((line) => `${JSON.stringify(line)}\n`)
      .join("");
  switch (end) {
    case "refused":
      return { "preflight.json": failed("OUTSIDE_WINDOW", "refused"), "preflight.log": log(0), "report.html": "" };
    case "failed":
      return {
        "preflight.json": ok(preflight),
        "backup.json": ok(backup),
        "migrate.json": failed("MIGRATION_FAILED", "failedChanged"),
        "migrate.log": log(2),
        "report.html": "",
      };
    case "verified":
      return {
        "preflight.json": ok(preflight),
        "backup.json": ok(backup),
        "migrate.json": ok(migrate),
        "verify.json": ok(verify),
        "report.html": "",
      };
  }
}
