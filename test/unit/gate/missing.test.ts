import assert from "node:assert/strict";
import { reviewPending } from "../../../components/gate.js";
import { describePending, describeRisks } from "../../../components/pendingReport.js";
import { riskSettings } from "../../../pipeline/contracts.js";

describe("gate: a preview after a migration was taken out of the folder", () => {
  it("names it, since preflight will refuse", async () => {
    const review = await reviewPending({
      environment: "prod",
      folder: { folder: "", provider: undefined, lockfile: undefined, migrations: [] },
      last: { run: "r", key: "k", migrations: [{ name: "1_init", checksum: "aa" }] },
      risk: { ...riskSettings.parse({}), approvals: [] },
      defaultSchema: "public",
    });
    assert.deepEqual(review.missing, ["1_init"]);
    assert.match(describePending(review), /: none\.$/);
    assert.match(describeRisks(review), /^1_init: the last run had applied it, and the folder has it no more/);
  });
});
