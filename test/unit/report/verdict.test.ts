import assert from "node:assert/strict";
import type { FailureDetails } from "../../../pipeline/errors.js";
import type { RunEvidence } from "../../../pipeline/report/evidence.js";
import { verdictOf } from "../../../pipeline/report/verdict.js";

const failure = { code: "VERIFY_FAILED", message: "a sequence is behind", state: "as it was", next: "mend it" };
const standing = (error: FailureDetails) => {
  const stages = [{ name: "verify", started: 0, durationMs: 1, error, log: [] }];
  const evidence: RunEvidence = { environment: "prod", run: "r", stages, open: [], results: {}, notes: [], files: [] };
  const { standing, title } = verdictOf(evidence);
  return [standing, title];
};

describe("what is said first of a run that failed", () => {
  it("whether the run took the database back by itself", () => {
    assert.deepEqual(standing({ ...failure, kind: "failedUnchanged", wentBack: true }), [
      "restored",
      "Failed in verify; taken back to before the run",
    ]);
    assert.equal(standing({ ...failure, kind: "failedUnchanged" })[0], "unchanged");
    assert.equal(standing({ ...failure, kind: "failedChanged" })[0], "changed");
  });
});
