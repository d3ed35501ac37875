import assert from "node:assert/strict";
import { reviewPending } from "../../../components/gate.js";
import { describeDuration } from "../../../pipeline/gate/duration.js";
import { checksumOf } from "../../../pipeline/prisma/migrations.js";
import { loadParser, planScript } from "../../../pipeline/prisma/plan.js";
import { riskSettings } from "../../../pipeline/contracts.js";

const gigabyte = 1024 ** 3;

describe("gate: how long a table is held", () => {
  it("is told in an order of magnitude, of what reads or writes it", () => {
    assert.equal(describeDuration(["breaks", "loss"], 50 * gigabyte), undefined);
    assert.equal(describeDuration(["scan", "lock"], 1_000), "reading it takes less than a second");
    assert.equal(describeDuration(["scan", "lock"], 4 * gigabyte), "reading it takes about 41 s");
    assert.equal(describeDuration(["scan", "rewrite"], 50 * gigabyte), "writing it anew takes about 34 min");
    assert.equal(describeDuration(["rewrite"], 500 * gigabyte), "writing it anew takes about 6 h");
  });

  it("is told in a preview by what the last run noted", async () => {
    await loadParser();
    const scripts = [`CREATE TABLE "a" ("n" INTEGER);`, `ALTER TABLE "a" ALTER COLUMN "n" TYPE BIGINT;`];
    const migrations = scripts.map((sql, at) => ({
      name: `${at}`,
      path: `${at}`,
      sql,
      checksum: checksumOf(sql),
      plan: planScript(sql),
    }));
    const [first] = migrations;
    assert.ok(first);
    const review = await reviewPending({
      environment: "prod",
      folder: { folder: "", provider: undefined, lockfile: undefined, migrations },
      last: {
        run: "r",
        key: "k",
        migrations: [{ name: first.name, checksum: first.checksum }],
        tables: { "public.a": { rows: 7, bytes: gigabyte } },
        postgresMajor: 15,
      },
      risk: { ...riskSettings.parse({}), approvals: [] },
      defaultSchema: "public",
    });
    assert.deepEqual(
      review.gate.decisions.map(({ assessed }) => assessed.evidence),
      [["at the last run public.a holds about 7 row(s) in 1024.0 MiB; writing it anew takes about 41 s"]],
    );
  });
});
