import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../pipeline/postgres/connection.js";
import { makingWay } from "../../pipeline/postgres/makingWay.js";
import { holdSnapshot } from "../../pipeline/postgres/snapshot.js";
import { backup } from "../../pipeline/stages/backup.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { type BackedUpProject, backedUpProject } from "./backedUpProject.js";
import { failsWith, query, quiet, recording } from "./backupFixtures.js";

/** A database whose tables are written to, and changed in form, all along. */
describe("a backup of a database that does not stand still", function () {
  this.timeout(120_000);
  const init = "CREATE TABLE items (id serial PRIMARY KEY, v text); CREATE TABLE cache (id int);";
  let start: BackedUpProject;

  before(async () => {
    const fill =
      "INSERT INTO items (v) SELECT md5(i::text) FROM generate_series(1, 2000) i; INSERT INTO cache VALUES (1)";
    start = await backedUpProject("busy_schema", init, { fill });
  });
  after(() => start.remove());

  /** Runs statements again and again on a session of its own, each set after a pause, until it is over. */
  const busy = (pauseMs: number, statements: (turn: number) => string) => {
    let over = false;
    const running = (async () => {
      const client = await connect(start.database, { applicationName: "busy" });
      try {
        for (let turn = 0; !over; turn++) {
          for (const one of statements(turn).split("\n")) await client.query(one);
          await sleep(pauseMs);
        }
      } finally {
        await client.end();
      }
    })();
    return async () => {
      over = true;
      await running;
    };
  };

  it("is one moment of it, and comes back as that, whatever is written, made and dropped meanwhile", async () => {
    const ends = [
      busy(
        0,
        () =>
          "INSERT INTO items (v) VALUES ('w')\nUPDATE items SET v = v || 'x' WHERE id % 97 = 0\nDELETE FROM items WHERE id % 101 = 0",
      ),
      busy(
        150,
        (turn) =>
          `CREATE TABLE t${turn} AS SELECT * FROM items LIMIT 50\nALTER TABLE t${turn} ADD COLUMN z int DEFAULT 4\nDROP TABLE t${turn}`,
      ),
      busy(
        200,
        (turn) =>
          `CREATE SCHEMA s${turn}\nCREATE SEQUENCE s${turn}.q\nCREATE VIEW s${turn}.v AS SELECT 1\nDROP SCHEMA s${turn} CASCADE`,
      ),
      busy(4_000, () => "BEGIN; TRUNCATE cache; INSERT INTO cache VALUES (1), (2); COMMIT"),
    ];
    try {
      for (const run of ["busy-1", "busy-2"]) {
        const base = { ...start.base, run };
        const made = await backup(base, quiet);
        assert.equal((await rehearse({ ...base, backup: made }, quiet)).verdict, "proved");
      }
    } finally {
      await Promise.all(ends.map((end) => end()));
    }
  });

  /** Between what holds the tables and what reads them, somebody wants one for himself. */
  const between = (times: number) => {
    const { context, lines } = recording();
    const tried: string[] = [];
    const work = makingWay(
      start.database,
      { ...context, again: () => Promise.resolve(void tried.push("cleared")) },
      async (signal, holding) => {
        const options = { lockTimeoutMs: 20_000, applicationName: "safe-migration backup", signal };
        const held = await holdSnapshot(start.database, options);
        const [wanting, reading] = await Promise.all(
          ["wants it all", "safe-migration fingerprint"].map((applicationName) =>
            connect(start.database, { applicationName }),
          ),
        );
        try {
          await holding(held);
          const wants = tried.length < times ? wanting?.query("TRUNCATE cache").catch(() => undefined) : undefined;
          while (
            wants !== undefined &&
            (await query(start.database, "SELECT FROM pg_locks WHERE NOT granted")).length === 0
          )
            await sleep(10);
          signal.addEventListener("abort", () => void reading?.end());
          await reading?.query("SELECT FROM cache");
          return "read";
        } finally {
          await held.release();
          await Promise.all([wanting?.end(), reading?.end()]);
        }
      },
    );
    return { work, lines, tried };
  };

  it("makes way for who waits for it while it waits for him, and is begun again", async () => {
    const { work, lines, tried } = between(2);
    assert.equal(await work, "read");
    assert.deepEqual(tried, ["cleared", "cleared"]);
    assert.match(
      lines.join("\n"),
      /read anew \(2 of 5\): in between came pid \d+ \(\w+, wants it all; active, .*TRUNCATE cache/,
    );
  });

  it("gives up where that happens each time, and says who it is; the next one works", async () => {
    const { work } = between(9);
    await assert.rejects(work, failsWith("SCHEMA_CHANGING", /in 5 tries.*wants it all.*TRUNCATE cache/));
    const made = await backup({ ...start.base, run: "after" }, quiet);
    const dump = await readdir(join(new URL(start.base.store).pathname, "local", made.id, "dump"));
    assert.ok(dump.includes("toc.dat"));
  });
});
