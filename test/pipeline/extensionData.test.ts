import assert from "node:assert/strict";
import { join } from "node:path";
import { listTableNames, listOwnTables } from "../../pipeline/postgres/fingerprintCatalogue.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { findProgram } from "../../pipeline/postgres/binaries.js";
import { run } from "../../pipeline/process.js";
import { compareTable } from "../../pipeline/rehearsal/compare.js";
import { keepTable } from "../../pipeline/rehearsal/before.js";
import { readShapes } from "../../pipeline/rehearsal/shape.js";
import { backup } from "../../pipeline/stages/backup.js";
import { openStore } from "../../pipeline/store/open.js";
import { verifyBackup } from "../../pipeline/store/verifyBackup.js";
import { testCluster } from "../support/postgres.js";
import { backupOf, query, quiet, temporaryStore } from "./backupFixtures.js";

/**
 * Rows of an extension's own tables that are somebody's data. No extension that comes with PostgreSQL has such, so one is told to: its
 * script does not make the table, and what is not proved here is that it comes back.
 */
describe("tables of an extension that hold data", function () {
  this.timeout(60_000);
  const name = "extension_data";

  after(async () => (await testCluster()).drop(name));

  it("are dumped, fingerprinted and compared as far as the extension says, and are no application's tables", async () => {
    const database = await (await testCluster()).create(name);
    await query(
      database,
      `CREATE EXTENSION citext; CREATE TABLE zones (id int PRIMARY KEY, name text, own boolean); CREATE SEQUENCE zone_ids;
       INSERT INTO zones SELECT i, 'zone ' || i, i > 7 FROM generate_series(1, 10) i; SELECT nextval('zone_ids');
       ALTER EXTENSION citext ADD TABLE zones; ALTER EXTENSION citext ADD SEQUENCE zone_ids;
       UPDATE pg_extension SET extconfig = ARRAY['zones'::regclass, 'zone_ids'::regclass]::oid[], extcondition = ARRAY['WHERE zones.own', '']
         WHERE extname = 'citext'`,
    );
    const store = await temporaryStore();
    try {
      const made = await backup(backupOf(database, store.url), quiet);
      const { fingerprints } = await verifyBackup(openStore(store.url), "local", made.id);
      const [zones] = fingerprints.tables;
      assert.deepEqual([zones?.name, zones?.extension, zones?.rows], ["zones", "citext", 3]);
      assert.deepEqual(
        fingerprints.sequences.map((sequence) => [sequence.name, sequence.last]),
        [["zone_ids", "1"]],
      );
      const program = await findProgram("pg_restore", { atLeast: 13, preferred: 13, than: "what made the dump" });
      const dump = join(store.root, "local", made.id, "dump");
      const { stdout } = await run(program.path, ["--data-only", "--table=zones", "--file=-", dump]);
      assert.equal((stdout.match(/^\d+\tzone/gm) ?? []).length, 3, stdout);
    } finally {
      await store.remove();
    }
    await withClient(database, { applicationName: "test" }, async (client) => {
      assert.deepEqual(
        [(await listTableNames(client)).length, (await listOwnTables(client)).length],
        [1, 0],
        "a database with nothing but extensions is empty",
      );
      const before = await readShapes(client);
      const [shape] = before.tables.values();
      assert.ok(shape !== undefined);
      const kept = await keepTable(client, shape, before);
      await client.query(
        "UPDATE zones SET name = upper(name) WHERE id IN (1, 8); DELETE FROM zones WHERE id IN (2, 9)",
      );
      assert.deepEqual(
        (await compareTable(client, kept, await readShapes(client))).map(({ effect, rows }) => [effect, rows]),
        [
          ["changes", 1],
          ["deletes", 1],
        ],
      );
    });
  });
});
