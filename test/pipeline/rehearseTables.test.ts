import assert from "node:assert/strict";
import { PipelineError } from "../../pipeline/errors.js";
import { rehearse } from "../../pipeline/stages/rehearse.js";
import { type BackedUpProject, backedUpProject } from "./backedUpProject.js";
import { query, quiet } from "./backupFixtures.js";

const columns = Array.from({ length: 800 }, (_, at) => `c${at + 1}`);
const init = `
CREATE TABLE orders (id int NOT NULL, region text NOT NULL, placed date, total numeric, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE orders_eu (total numeric, region text NOT NULL, id int NOT NULL, placed date);
ALTER TABLE orders ATTACH PARTITION orders_eu FOR VALUES IN ('eu');
CREATE TABLE orders_us PARTITION OF orders FOR VALUES IN ('us');
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
CREATE TABLE events (at int, what text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200) PARTITION BY HASH (at);
CREATE TABLE events_2_all PARTITION OF events_2 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE wide (id int PRIMARY KEY, ${columns.map((name) => `${name} int`).join(", ")});`;
const fill = `
INSERT INTO orders SELECT i, (ARRAY['eu', 'us', 'asia', 'africa'])[1 + i % 4], date '2019-12-20' + i, i FROM generate_series(1, 40) i;
INSERT INTO events SELECT i * 5, 'e' || i FROM generate_series(0, 39) i;
INSERT INTO wide (id, ${columns.join(", ")}) SELECT i, ${columns.map(() => "-2000000000 - i").join(", ")} FROM generate_series(1, 5) i;`;

describe("rehearse: partitioned and very wide tables", function () {
  this.timeout(120_000);
  let start: BackedUpProject;
  const next = "2_next";

  before(async () => {
    start = await backedUpProject("rehearsed_tables", init, { fill });
  });
  after(() => start.remove());
  afterEach(() => start.project.withdraw(next));

  const changesOf = async (sql: string): Promise<readonly string[]> => {
    await start.project.migration(next, sql);
    const result = await rehearse({ ...start.base, backup: start.made }, quiet);
    assert.equal(result.verdict, "proved");
    return result.migrations[0]?.changes ?? ["nothing was rehearsed"];
  };
  /** Refused as it is; proved where it declares what it does, as the message says. */
  const declared = async (sql: string, ...lines: readonly string[]) => {
    let declarations = "";
    await assert.rejects(changesOf(sql), (error: unknown) => {
      assert.ok(error instanceof PipelineError && error.code === "UNDECLARED_LOSS", String(error));
      assert.deepEqual(error.message.split("\n").slice(1).sort(), lines.map((line) => `  ${line}`).sort());
      declarations = [...error.next.matchAll(/-- \w+: .*?(?= {3}|$)/g)].map(([line]) => line).join("\n");
      return true;
    });
    assert.deepEqual((await changesOf(`${declarations}\n${sql}`)).toSorted(), [...lines].sort());
  };

  it("a row is where it was in whatever part of its table it is", async () => {
    const split = `
CREATE TABLE orders_asia (LIKE orders);
WITH moved AS (DELETE FROM orders_rest WHERE region = 'asia' RETURNING *) INSERT INTO orders_asia SELECT * FROM moved;
ALTER TABLE orders ATTACH PARTITION orders_asia FOR VALUES IN ('asia');
CREATE TABLE events_all (at int, what text); INSERT INTO events_all SELECT * FROM events;
DROP TABLE events_1, events_2; ALTER TABLE events ATTACH PARTITION events_all DEFAULT;`;
    assert.deepEqual(await changesOf(split), []);
  });

  it("one that is moved by what it is parted by has that value changed, and is not deleted", () =>
    declared(
      "UPDATE orders SET region = 'us' WHERE region = 'asia';",
      "public.orders.region: values changed in 10 rows",
    ));

  it("one whose key is another row's as well is told apart by the whole key", async () => {
    await declared(
      "INSERT INTO orders SELECT id, 'mars', placed, total FROM orders WHERE id = 5; DELETE FROM orders WHERE id = 4;",
      "public.orders: 1 row deleted",
    );
  });

  it("rows that are gone are told of the whole, or of the part that went with them", async () => {
    await declared(
      "DELETE FROM orders_us WHERE id <= 9; DROP TABLE orders_eu; TRUNCATE events_2;",
      "public.orders: 3 rows deleted",
      "public.orders_eu: dropped with 10 rows",
      "public.events: 20 rows deleted",
    );
  });

  it("a part that is taken out of its table takes its rows with it, and keeps them", async () => {
    await declared(
      "ALTER TABLE orders DETACH PARTITION orders_eu; UPDATE orders_eu SET total = 0; ALTER TABLE events DETACH PARTITION events_1; ALTER TABLE events RENAME TO happened;",
      "public.orders: 10 rows are not in it any more: public.orders_eu was detached from it",
      "public.orders_eu.total: values changed in 10 rows",
      "public.events: 20 rows are not in it any more: public.events_1 was detached from it",
    );
  });

  it("columns and types of all parts are compared as one table's", () =>
    declared(
      "ALTER TABLE orders ALTER COLUMN total TYPE numeric(1, 0) USING least(total, 9), DROP COLUMN placed; ALTER TABLE events ALTER COLUMN what TYPE varchar(2) USING left(what, 2);",
      "public.orders.total: values changed in 31 rows",
      "public.orders.placed: dropped with values in 40 rows",
      "public.events.what: values changed in 30 rows",
    ));

  it("a table with more columns than its texts fit on a page", async () => {
    await declared("UPDATE wide SET c449 = 1 WHERE id < 3;", "public.wide.c449: values changed in 2 rows");
    await declared(
      "ALTER TABLE wide DROP CONSTRAINT wide_pkey; UPDATE wide SET c1 = 1 WHERE id = 3;",
      "public.wide.c1: values changed in 1 row",
    );
    assert.equal((await query(start.database, "SELECT FROM wide")).length, 5);
  });
});
