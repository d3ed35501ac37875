import assert from "node:assert/strict";
import type { Database } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";
import { connect, withClient } from "../../pipeline/postgres/connection.js";
import { fingerprintDatabase } from "../../pipeline/postgres/fingerprint.js";
import { readLate } from "../../pipeline/recovery/copy.js";
import { currentSnapshot } from "../../pipeline/recovery/point.js";
import { assertSame } from "../../pipeline/rehearsal/physical.js";
import { backup } from "../../pipeline/stages/backup.js";
import type { Manifest } from "../../pipeline/store/manifest.js";
import { openStore } from "../../pipeline/store/open.js";
import { verifyBackup } from "../../pipeline/store/verifyBackup.js";
import { testCluster } from "../support/postgres.js";
import { backupOf, failsWith, query, quiet, temporaryStore } from "./backupFixtures.js";

/**
 * What is made of a recovered server that has more than was fingerprinted. The test's own server is that one, once something was committed
 * after the snapshot: what pgBackRest does is proved on hosts.
 */
describe("a recovered copy that has transactions which the fingerprints did not see", function () {
  this.timeout(60_000);
  const name = "recovered_copy";
  const application = { applicationName: "test" };
  let database: Database;
  let manifest: Parameters<typeof assertSame>[1];

  before(async () => {
    database = await (await testCluster()).create(name);
    await query(
      database,
      "CREATE TABLE items (id int); INSERT INTO items VALUES (1); CREATE UNLOGGED TABLE cache (id int); INSERT INTO cache VALUES (1)",
    );
    const store = await temporaryStore();
    try {
      const { id } = await backup(backupOf(database, store.url), quiet);
      const made = await verifyBackup(openStore(store.url), "local", id);
      const restorePoint = { name: "point", lsn: "0/1", at: made.created };
      const snapshot = await withClient(database, application, currentSnapshot);
      const physical: NonNullable<Manifest["physical"]> = {
        method: "pgbackrest",
        ...{ stanza: "local", base: "b", restorePoint, snapshot, writersHeld: false, unlogged: ["public.cache"] },
      };
      manifest = { ...made, physical };
    } finally {
      await store.remove();
    }
  });
  after(async () => (await testCluster()).drop(name));

  const judge = async () => {
    const late = await withClient(database, application, (client) =>
      readLate(client, manifest.physical?.snapshot ?? ""),
    );
    await assertSame(database, manifest, await fingerprintDatabase(database, { jobs: 1, ...quiet }), late);
    return late;
  };

  it("is taken for the same without one, also where unlogged tables are empty, and with one that changed nothing in it", async () => {
    await query({ ...database, name: "postgres" }, "CREATE TABLE elsewhere (id int); DROP TABLE elsewhere");
    await query(database, "TRUNCATE cache");
    assert.ok((await judge()).length > 0);
  });

  it("is no loss, and told as that: BACKUP_UNSTEADY, run it again", async () => {
    const writer = await connect(database, application);
    await writer.query("BEGIN; INSERT INTO items VALUES (2)");
    await judge();
    await writer.query("COMMIT");
    await writer.end();
    await assert.rejects(judge(), (error: unknown) => {
      failsWith(
        "BACKUP_UNSTEADY",
        /transaction\(s\) were committed after its fingerprints.*public\.items has 2 rows, expected 1\. Nothing is lost/,
      )(error);
      assert.ok(
        error instanceof PipelineError && error.kind === "failedUnchanged" && /^Run the same command/.test(error.next),
      );
      return true;
    });
  });

  it("is a loss where there is none: RESTORED_DIFFERS", async () => {
    const { fingerprints } = manifest;
    const other = await fingerprintDatabase(database, { jobs: 1, ...quiet });
    await assert.rejects(assertSame(database, { ...manifest, fingerprints }, other, []), failsWith("RESTORED_DIFFERS"));
  });
});
