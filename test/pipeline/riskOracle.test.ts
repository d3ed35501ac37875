import assert from "node:assert/strict";
import { compare } from "../../bench/risk/compare.js";
import { makeHistory } from "../../bench/risk/history/make.js";
import { observe } from "../../bench/risk/oracle.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { assessMigrations } from "../../pipeline/risk/assess.js";
import { defaultLargeTableBytes } from "../../pipeline/risk/types.js";
import { testCluster } from "../support/postgres.js";

/** Whether a rewrite, a drop or a scan is one is PostgreSQL's to say; `npm run bench -- risk` does the same with a thousand. */
describe("a made history, replayed on PostgreSQL", () => {
  it("holds the rewrites and drops that the classifier names, and no others", async () => {
    const migrations = await makeHistory(150, 3);
    const names = new Set(migrations.map(({ name }) => name));
    const ours = await assessMigrations(migrations, names, {
      postgresMajor: 15,
      largeTableBytes: defaultLargeTableBytes,
    });
    const cluster = await testCluster();
    const database = await cluster.create("risk_oracle");
    const observed = await withClient(database, { applicationName: "risk oracle" }, (client) =>
      observe(client, migrations),
    );
    await cluster.drop("risk_oracle");
    const findings = ours.map((file) => ({ ...file, effects: [...file.effects], findings: [...file.findings] }));
    const least = new Map(migrations.map((migration) => [migration.name, migration.least]));
    const result = compare(migrations, { ours: findings, squawk: undefined, observed, least });

    assert.deepEqual(result.refused, []);
    for (const effect of ["rewrite", "drop"] as const) {
      const figures = result.figures.find((one) => one.effect === effect);
      assert.ok(figures !== undefined && figures.hits > 0, `nothing did a ${effect}`);
      assert.deepEqual({ effect, wrong: figures.wrong, missed: figures.missed }, { effect, wrong: [], missed: [] });
    }
    assert.deepEqual(result.figures.find(({ effect }) => effect === "scan")?.missed, []);
    assert.deepEqual(result.calledTooLow, []);
    assert.deepEqual(result.safeThatDropped, []);
    assert.ok(result.tiers.safe > 0.75 * migrations.length, JSON.stringify(result.tiers));
  });
});
