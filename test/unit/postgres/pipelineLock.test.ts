import assert from "node:assert/strict";
import type { Database } from "../../../pipeline/contracts.js";
import { withPipelineLock } from "../../../pipeline/postgres/pipelineLock.js";
import { failsWith, maintain } from "../../pipeline/backupFixtures.js";
import { testCluster } from "../../support/postgres.js";

describe("withPipelineLock", function () {
  this.timeout(30_000);
  let database: Database;
  // Nothing but its name is needed: the lock is taken elsewhere, so that it outlives the database.
  before(async () => (database = (await testCluster()).database("locked é")));

  it("keeps a second stage off, naming the first, and lets it in afterwards", async () => {
    await withPipelineLock(database, "restore one", async () => {
      const second = withPipelineLock(database, "migrate", () => Promise.resolve());
      await assert.rejects(
        second,
        failsWith("PIPELINE_LOCKED", /"locked é": pid \d+ \(safe-migration restore one, role \w+, .*, since \d{4}-/),
      );
    });
    assert.equal(await withPipelineLock(database, "migrate", () => Promise.resolve(7)), 7);
  });
  it("does not keep stages on another database off", async () => {
    await withPipelineLock(database, "one", () =>
      withPipelineLock({ ...database, name: "other" }, "two", () => Promise.resolve()),
    );
  });
  it("is given back after a failure", async () => {
    await assert.rejects(
      withPipelineLock(database, "one", () => Promise.reject(new Error("mine"))),
      /mine/,
    );
    await withPipelineLock(database, "two", () => Promise.resolve());
  });
  it("tells that it was lost", async () => {
    const work = withPipelineLock(database, "one", async (lock) => {
      lock.assertHeld();
      await maintain(
        database,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'safe-migration one'",
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      lock.assertHeld();
    });
    await assert.rejects(work, failsWith("PIPELINE_LOCK_LOST"));
  });
});
