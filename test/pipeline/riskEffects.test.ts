import assert from "node:assert/strict";
import { withClient } from "../../pipeline/postgres/connection.js";
import { assessMigrations } from "../../pipeline/risk/assess.js";
import { type Effects, effectsOf, isHarmless } from "../support/risk/effects.js";
import { base, probes, reset, tables } from "../support/risk/effectBase.js";
import { type EffectCase, cases } from "../support/risk/effectCases.js";
import { testCluster } from "../support/postgres.js";

const size = { rows: 5e6, bytes: 2e9 };
const facts = new Map(tables.map((name) => [`public.${name}`, size]));

/**
 * What PostgreSQL does is PostgreSQL's to say: each statement is tried on a real server, with an application beside it. Tables count as
 * large, so that what only blocks is risky.
 */
describe("risk: statements, as PostgreSQL and a running application meet them", function () {
  this.timeout(120_000);
  const seen = new Map<EffectCase, Effects>();
  const all = Object.values(cases).flat();

  before(async () => {
    const cluster = await testCluster();
    const database = await cluster.create("risk_effects");
    await withClient(database, { applicationName: "risk effects" }, async (client) => {
      await client.query(base);
      for (const one of all) {
        const [sql, , , more = {}] = one;
        if (more.tried !== false)
          seen.set(one, await effectsOf(client, { before: more.before ?? "", sql, probes, reset }));
      }
    });
    await cluster.drop("risk_effects");
    // Roles are the cluster's, which other tests use too.
    await withClient(cluster.database("postgres"), { applicationName: "risk effects" }, (client) =>
      client.query("DROP ROLE risk_app, risk_other"),
    );
  });

  for (const [title, group] of Object.entries(cases)) {
    describe(title, () => {
      for (const one of group) {
        const [sql, tier, why, more = {}] = one;
        it(`${tier}: ${sql}${more.before === undefined ? "" : ` (after ${more.before})`}`, async () => {
          const history = [base, ...(more.before === undefined ? [] : [more.before]), sql];
          const migrations = history.map((text, at) => ({ name: String(at), path: String(at), sql: text }));
          const last = String(history.length - 1);
          const options = { postgresMajor: 15, largeTableBytes: 1e8, facts };
          const [risk] = await assessMigrations(migrations, new Set([last]), options);
          const effects = seen.get(one);
          const told = JSON.stringify({ findings: risk?.findings, effects }, null, 1);
          assert.equal(risk?.tier, tier, told);
          if (effects === undefined) return;
          if (effects.refused !== undefined) {
            assert.equal(why, "refused", `${effects.refused}\n${told}`);
            return;
          }
          assert.ok(why !== "refused", told);
          // What harms is never safe, and what is above safe without any harm has a reason.
          if (!isHarmless(effects)) assert.notEqual(tier, "safe", told);
          else if (tier !== "safe") assert.ok(why !== undefined, `nothing was seen: ${told}`);
          if (effects.dropped.some((name) => !name.includes(".")) || effects.lost.length > 0) {
            assert.ok(tier === "dangerous" || why !== undefined, told);
          }
        });
      }
    });
  }
});
