import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { type BackedUpProject, backedUpProject } from "./backedUpProject.js";
import { failsWith, quiet } from "./backupFixtures.js";

const init = `
CREATE TABLE kinds (code text PRIMARY KEY, label text, old text);
CREATE TABLE log (line text);
CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;`;
const fill = `INSERT INTO kinds VALUES ('a', 'A', '1'), ('b', 'B', '2'), ('c', 'C', NULL); INSERT INTO log VALUES ('1'), ('2'), ('2');
INSERT INTO parted SELECT i, 'v' FROM generate_series(1, 9) i;`;

/** Rows that a migration has put in are its own to take away again, and no others. */
describe("rehearse: a way back of a migration that puts rows in", function () {
  this.timeout(60_000);
  let start: BackedUpProject;
  const next = "2_next";

  before(async () => {
    start = await backedUpProject("rehearsed_back", init, { fill });
  });
  after(() => start.remove());

  const downOf = async (sql: string, down: string) => {
    await start.project.migration(next, sql);
    await writeFile(join(start.project.migrations, next, "down.sql"), down);
    try {
      const result = await rehearse({ ...start.base, backup: start.made }, quiet);
      assert.equal(result.verdict, "proved");
      return result.migrations[0]?.down;
    } finally {
      await start.project.withdraw(next);
    }
  };

  it("is proved where it takes them away, and what is left is as it was", async () => {
    const down = await downOf(
      `INSERT INTO kinds VALUES ('d', 'D'), ('e', 'E'); INSERT INTO log VALUES ('2'), ('3');
       CREATE TABLE parted_1 (LIKE parted); WITH moved AS (DELETE FROM parted_rest WHERE id < 4 RETURNING *) INSERT INTO parted_1 SELECT * FROM moved;
       ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES FROM (1) TO (4); INSERT INTO parted VALUES (0, 'new');`,
      `DELETE FROM kinds WHERE code IN ('d', 'e'); DELETE FROM log WHERE line = '3'; DELETE FROM log WHERE ctid = (SELECT max(ctid) FROM log);
       ALTER TABLE parted DETACH PARTITION parted_1; INSERT INTO parted SELECT * FROM parted_1; DROP TABLE parted_1; DELETE FROM parted WHERE id = 0;`,
    );
    assert.deepEqual([down?.verdict, down?.problems], ["proved", []]);
  });

  it("is proved beside what the migration drops and changes as it declares", async () => {
    const down = await downOf(
      "-- drops: kinds.old\n-- changes: kinds.label\nALTER TABLE kinds DROP COLUMN old; UPDATE kinds SET label = lower(label); INSERT INTO kinds VALUES ('d', 'd');",
      "DELETE FROM kinds WHERE code = 'd'; ALTER TABLE kinds ADD COLUMN old text;",
    );
    assert.deepEqual([down?.verdict, down?.problems], ["proved", []]);
  });

  for (const [what, down, problem] of [
    ["takes others instead", "DELETE FROM kinds WHERE code = 'a';", /public\.kinds: 1 row deleted/],
    ["takes others as well", "DELETE FROM kinds WHERE code IN ('a', 'd');", /public\.kinds: 1 row deleted/],
    [
      "changes others",
      "DELETE FROM kinds WHERE code = 'd'; UPDATE kinds SET label = 'x' WHERE code = 'a';",
      /public\.kinds\.label: values changed in 1 row/,
    ],
    [
      "drops a column with values",
      "DELETE FROM kinds WHERE code = 'd'; ALTER TABLE kinds DROP COLUMN old;",
      /public\.kinds\.old: dropped with values in 2 rows/,
    ],
  ] as const)
    it(`is wrong where it ${what}`, () =>
      assert.rejects(downOf("INSERT INTO kinds VALUES ('d', 'D');", down), failsWith("WRONG_DOWN", problem)));
});
