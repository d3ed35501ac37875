import assert from "node:assert/strict";
import { diagnoseRequest } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { connect } from "../../pipeline/postgres/connection.js";
import { backup } from "../../pipeline/stages/backup.js";
import { diagnose } from "../../pipeline/stages/diagnose.js";
import { migrate } from "../../pipeline/stages/migrate.js";
import { preflight } from "../../pipeline/stages/preflight.js";
import { holdSnapshot } from "../../pipeline/postgres/snapshot.js";
import { thrownBy } from "../support/thrownBy.js";
import { type BackedUpProject, backedUpProject } from "./backedUpProject.js";
import { failsWith, query, quiet, recording, unrehearsed } from "./backupFixtures.js";

/** A transaction that was prepared for a two-phase commit and forgotten: no session has it, and PostgreSQL gives its locks to nobody else. */
describe("a prepared transaction that is left open", function () {
  this.timeout(60_000);
  const quoted = "'order''s 17'";
  let start: BackedUpProject;

  before(async () => {
    const settings = {
      preflight: { longTransactionSeconds: 1 },
      migrate: { lockTimeoutMs: 500, lockRetries: 2, retryDelayMs: 50, retryDelayMaxMs: 50 },
    };
    start = await backedUpProject("left_prepared", "CREATE TABLE items (id int PRIMARY KEY);", {
      fill: "INSERT INTO items VALUES (1)",
      settings,
    });
    await query(
      start.database,
      `BEGIN; INSERT INTO items VALUES (2); PREPARE TRANSACTION ${quoted}; SELECT pg_sleep(1.1)`,
    );
    await start.project.migration("2_wide", "ALTER TABLE items ALTER COLUMN id TYPE bigint;");
  });
  after(async () => {
    await query(start.database, `ROLLBACK PREPARED ${quoted}`).catch(() => undefined);
    await start.remove();
  });

  it("is named by preflight and diagnose, with what ends it", async () => {
    const remedy = `ROLLBACK PREPARED ${quoted}; (or COMMIT PREPARED ${quoted};`;
    const { warnings } = await preflight({ ...start.base, run: "looking" }, quiet);
    assert.ok(
      warnings.some((line) => line.includes(`prepared transaction ${quoted}`) && line.includes(remedy)),
      warnings.join("\n"),
    );
    const waiting = await connect(start.database, { applicationName: "waiting" });
    const waits = waiting.query("BEGIN; LOCK TABLE items IN SHARE MODE").catch(() => "ended");
    const request = diagnoseRequest.parse({ ...start.base, run: "looking", quick: true });
    const { findings } = await diagnose(request, quiet);
    await query(
      start.database,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'waiting'",
    );
    await waits;
    for (const check of ["prepared-transactions", "blockers"]) {
      const finding = findings.find((one) => one.check === check);
      assert.ok(finding?.message.includes(`prepared transaction ${quoted}`), JSON.stringify(findings));
      assert.ok(finding?.remedy.includes(remedy), JSON.stringify(findings));
    }
  });

  it("is named by a migration that waits for it in vain, and by a backup; then both work", async () => {
    const { context, lines } = recording();
    const error = await thrownBy(migrate(unrehearsed(start.base, start.made), context), PipelineError);
    assert.equal(error.code, "LOCK_TIMEOUT");
    assert.match(error.message, /It waited 2 time\(s\) for: prepared transaction 'order''s 17' \(/);
    assert.match(error.next, /a prepared transaction ends by: ROLLBACK PREPARED 'order''s 17';/);
    assert.ok(lines.some((line) => /2_wide: not begun, as it would wait for a lock/.test(line)));
    assert.ok(!(error.message + error.next).includes("pid 0"));
    await query(start.database, `COMMIT PREPARED ${quoted}`);
    await query(start.database, `BEGIN; LOCK TABLE items; PREPARE TRANSACTION ${quoted}`);
    const options = { lockTimeoutMs: 100, applicationName: "test", signal: new AbortController().signal };
    await assert.rejects(
      holdSnapshot(start.database, options),
      failsWith("BLOCKED", /^items could not be read .* by prepared transaction 'order''s 17' \(.*ROLLBACK PREPARED/),
    );
    await query(start.database, `ROLLBACK PREPARED ${quoted}`);
    const again = await backup({ ...start.base, run: "again" }, quiet);
    const migrated = await migrate(unrehearsed({ ...start.base, run: "again" }, again), quiet);
    assert.deepEqual([migrated.applied.length, (await query(start.database, "SELECT FROM items")).length], [1, 2]);
  });
});
