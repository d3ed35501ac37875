import assert from "node:assert/strict";
import type { StatusResult } from "../../../pipeline/contracts.js";
import { renderMetrics } from "../../../pipeline/report/metrics.js";
import { reasonUnproved } from "../../../pipeline/store/provedAge.js";

const now = new Date("2026-01-02T12:00:00.000Z");
const proved = {
  id: "old",
  made: "2026-01-01T12:00:00.000Z",
  provedAt: "2026-01-01T12:01:00.000Z",
  by: "rehearse",
} as const;

describe("the age of the newest proved backup", () => {
  it("is not asked where no limit is set, nor before the first backup", () => {
    assert.equal(reasonUnproved({ complete: 3, proved: undefined }, 0, now), undefined);
    assert.equal(reasonUnproved({ complete: 0, proved: undefined }, 1, now), undefined);
  });
  it("is held to the limit, counted from when the backup was made", () => {
    assert.equal(reasonUnproved({ complete: 3, proved }, 24, now), undefined);
    assert.match(reasonUnproved({ complete: 3, proved }, 23.9, now) ?? "", /is old, made 24 hours ago/);
    assert.match(reasonUnproved({ complete: 3, proved: undefined }, 24, now) ?? "", /none of the 3 .* ever proved/);
  });
});

describe("metrics", () => {
  const status: StatusResult = {
    stage: "status",
    run: "r",
    environment: 'pr"od',
    at: now.toISOString(),
    durationMs: 1,
    database: "shop",
    systemIdentifier: "7",
    applied: [{ name: "1", checksum: "a" }],
    pending: [],
    failed: ["2"],
    stopped: [],
    edited: [],
    missing: [],
    backups: [{ id: "new", created: "2026-01-02T11:00:00.000Z" }],
    damaged: [],
    proved: { ...proved, ageHours: 24 },
  };
  it("are in the OpenMetrics text format", () => {
    const text = renderMetrics(status, now);
    assert.match(text, /^safe_migration_proved_backup_age_seconds\{environment="pr\\"od"\} 86400$/m);
    assert.match(text, /^safe_migration_backup_age_seconds\{environment="pr\\"od"\} 3600$/m);
    assert.match(text, /^safe_migration_failed_migrations\{.*\} 1$/m);
    assert.ok(text.endsWith("\n# EOF\n"));
    for (const line of text.trimEnd().split("\n"))
      assert.match(line, /^(# (TYPE|UNIT|HELP) [a-z_]+ .+|# EOF|[a-z_]+\{environment="[^{}]*"\} (\d+|\+Inf))$/);
  });
  it("say that there is none with an age that is over any limit", () => {
    const { proved: _, ...none } = status;
    const text = renderMetrics({ ...none, backups: [] }, now);
    assert.match(text, /proved_backup_age_seconds\{.*\} \+Inf/);
    assert.match(text, /migration_backup_age_seconds\{.*\} \+Inf/);
  });
});
