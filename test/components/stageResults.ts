/** What stages answer, as far as components look at it. */

const at = { at: "2026-01-01T00:00:00.000Z", durationMs: 1, run: "run-1", environment: "local" };
export const identity = { systemIdentifier: "7", database: "shop", serverVersion: "15.1" };
export const ref = { name: "20250101000000_init", checksum: "abc" };

export const preflight = {
  ...at,
  stage: "preflight",
  identity,
  databaseBytes: 1,
  applied: [],
  pending: [ref],
  warnings: [],
};
export const measured = { ...at, stage: "measure", disks: {} };
export const backup = {
  ...at,
  stage: "backup",
  id: "run-1",
  location: "file:///store/local/run-1",
  manifestSha256: "f00",
  identity,
  tables: 1,
  rows: 2,
  bytes: 3,
  removed: [],
};
export const rehearsal = {
  ...at,
  stage: "rehearse",
  backup: "run-1",
  manifestSha256: "f00",
  verdict: "proved",
  summary: "the same 2 rows",
  restored: { tables: 1, rows: 2, bytes: 3, durationMs: 1 },
  migrations: [],
};
export const migrate = { ...at, stage: "migrate", backup: "run-1", applied: [{ ...ref, durationMs: 1, attempts: 1 }] };
export const verify = {
  ...at,
  stage: "verify",
  migrations: [ref],
  counts: {},
  relations: 0,
  findings: [],
  health: { status: "healthy", tables: 1 },
  report: "file:///store/local/run-1/report.md",
};
