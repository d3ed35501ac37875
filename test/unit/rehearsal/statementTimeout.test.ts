import assert from "node:assert/strict";
import { settingsSchema } from "../../../pipeline/contracts.js";
import { statementTimeoutFor } from "../../../pipeline/migrating/rehearsed.js";

describe("the statement timeout after a rehearsal", () => {
  const of = (durationMs: number | undefined, more: object = {}) => {
    const { migrate } = settingsSchema.parse({ backup: {}, preflight: {}, migrate: { lockTimeoutMs: 500, ...more } });
    return statementTimeoutFor(durationMs, migrate);
  };

  it("is some times what the migration took, and the time to wait for a lock", () => {
    assert.equal(of(10_000), 100_500);
    assert.equal(of(10_000, { rehearsedTimeoutFactor: 2.5 }), 30_500, "not below the least");
    assert.equal(of(20_000, { rehearsedTimeoutFactor: 2.5 }), 50_500);
    assert.equal(of(0), 30_500);
  });

  it("is never above what is configured", () => {
    assert.equal(of(40_000), 300_000);
    assert.equal(of(3, { statementTimeoutMs: 1_000 }), 1_000);
  });

  it("is what is configured where there was no rehearsal, or it is not to count", () => {
    assert.equal(of(undefined), 300_000);
    assert.equal(of(5, { rehearsedTimeoutFactor: 0 }), 300_000);
    assert.equal(of(5, { statementTimeoutMs: 0 }), 0);
  });
});
