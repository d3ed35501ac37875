import assert from "node:assert/strict";
import fc from "fast-check";
import type { Database } from "../../../pipeline/contracts.js";
import { silent } from "../../../pipeline/log.js";
import { type FingerprintOptions, fingerprintDatabase } from "../../../pipeline/postgres/fingerprint.js";
import { withClient } from "../../../pipeline/postgres/connection.js";
import { failsWith, query } from "../../pipeline/backupFixtures.js";
import { testCluster } from "../../support/postgres.js";

/** Two rows of a table of forty columns, which are more than one chain. */
function wideRows(one: number, other: number): string {
  const columns = Array.from({ length: 40 }, (_, at) => `c${at} int DEFAULT ${at}`).join(", ");
  return `t (${columns})  (c0, c39) VALUES (1, ${one}), (2, ${other})`;
}

describe("fingerprintDatabase", function () {
  this.timeout(60_000);
  const name = "fingerprint";
  let database: Database;
  before(async () => (database = await (await testCluster()).create(name)));
  after(async () => (await testCluster()).drop(name));

  const take = (options: Partial<FingerprintOptions> = {}) =>
    fingerprintDatabase(database, { jobs: 2, log: silent, signal: new AbortController().signal, ...options });

  /** Count and hash of a table `t` made and filled by `sql`. */
  async function of(sql: string, options: Partial<FingerprintOptions> = {}): Promise<string> {
    await query(database, `DROP TABLE IF EXISTS t CASCADE; ${sql}`);
    const { tables } = await take(options);
    const table = tables.find((candidate) => candidate.name === "t");
    assert.ok(table);
    return `${table.rows}:${table.hash}`;
  }

  const pairs: [string, string, string][] = [
    [
      "values of a column swapped between two rows",
      "t (a int, b int)  VALUES (1, 10), (2, 20)",
      "t (a int, b int)  VALUES (1, 20), (2, 10)",
    ],
    ["NULL and an empty text", "t (a text)  VALUES (NULL)", "t (a text)  VALUES ('')"],
    ["how often a row is there", "t (a int)  VALUES (1), (1), (2)", "t (a int)  VALUES (1), (2), (2)"],
    ["1.0 and 1.00", "t (a numeric)  VALUES (1.0)", "t (a numeric)  VALUES (1.00)"],
    ["0 and -0", "t (a float8)  VALUES (0)", "t (a float8)  VALUES ('-0')"],
    ["a month and thirty days", "t (a interval)  VALUES ('1 month')", "t (a interval)  VALUES ('30 days')"],
    ["text by where it is cut", "t (a text, b text)  VALUES ('ab', 'c')", "t (a text, b text)  VALUES ('a', 'bc')"],
    ["columns of one row swapped", "t (a int, b int)  VALUES (1, 2)", "t (a int, b int)  VALUES (2, 1)"],
    ["case of a citext", "t (a public.citext)  VALUES ('A')", "t (a public.citext)  VALUES ('a')"],
    ["blanks at the end of a char(n)", "t (a text)  VALUES ('a ')", "t (a text)  VALUES ('a')"],
    ["spaces in a json", `t (a json)  VALUES ('{"a":1}')`, `t (a json)  VALUES ('{"a": 1}')`],
    ["an element of an array of floats", "t (a float8[])  VALUES ('{1,NaN}')", "t (a float8[])  VALUES ('{1,2}')"],
    ["the sign of a number", "t (a numeric)  VALUES (1.5)", "t (a numeric)  VALUES (-1.5)"],
    ["the halves of a bigint", "t (a int8)  VALUES (1)", "t (a int8)  VALUES (4294967296)"],
    [
      "the halves of a timestamp's microseconds",
      "t (a timestamp)  VALUES (timestamp '2000-01-01 00:00:00.000001')",
      "t (a timestamp)  VALUES (timestamp '2000-01-01 01:11:34.967296')",
    ],
    ["true and false", "t (a bool)  VALUES (true)", "t (a bool)  VALUES (false)"],
    ["NULL and zero", "t (a int, b int)  VALUES (NULL, 1)", "t (a int, b int)  VALUES (0, 1)"],
    ["which column is NULL", "t (a int, b int)  VALUES (NULL, 0)", "t (a int, b int)  VALUES (0, NULL)"],
    ["NULL and a record of NULL", "t (a duo)  VALUES (NULL)", "t (a duo)  VALUES (ROW(NULL, NULL))"],
    ["bytes", "t (a bytea)  VALUES ('')", "t (a bytea)  VALUES ('\\x00')"],
    ["an array and one without its NULL", "t (a int[])  VALUES ('{1,NULL}')", "t (a int[])  VALUES ('{1}')"],
    ["rows that swap a value of a late column", wideRows(10, 20), wideRows(20, 10)],
    ["one value of an enum and another", "t (a feeling)  VALUES ('x')", "t (a feeling)  VALUES ('y')"],
    [
      "a microsecond",
      "t (a timestamptz)  VALUES ('2026-01-01 00:00:00.000001Z')",
      "t (a timestamptz)  VALUES ('2026-01-01 00:00:00Z')",
    ],
  ];
  before(() =>
    query(
      database,
      "CREATE EXTENSION citext; CREATE TYPE feeling AS ENUM ('x', 'y'); CREATE TYPE duo AS (a int, b int)",
    ),
  );
  const filled = (spec: string) => {
    const [definition = "", rows = ""] = spec.split("  ");
    return `CREATE TABLE ${definition}; INSERT INTO t ${rows}`;
  };
  for (const [what, one, other] of pairs)
    it(`tells apart ${what}`, async () => assert.notEqual(await of(filled(one)), await of(filled(other))));

  it("has the same hash for the same rows for ever, since backups are compared with it", async () => {
    const types =
      "a bool, b int2, c int4, d int8, e numeric, f text, g varchar(9), h char(5), i uuid, j timestamptz, k date, l jsonb, m bytea, n float8, o int4[], p interval";
    const values =
      "true, 1, -2, 3000000000, 1.50, 'ñ', 'v', 'c', '8d5a0a3c-7a0f-4b62-9a53-5a8c0a3f1b11', '2026-01-02 03:04:05.678Z', '2026-01-02', '{\"a\": [1]}', '\\x00ff', 0.1, '{1,2}', '1 mon 2 days'";
    const nulls = Array.from({ length: 16 }, () => "NULL").join(", ");
    const sql = `CREATE TABLE t (${types}); INSERT INTO t VALUES (${values}), (${nulls})`;
    assert.equal(await of(sql), "2:-2575038356502909424");
    assert.equal(await of(sql, { algorithm: "record-send-1" }), "2:3558282751269146261");
  });

  it("shows that the plain sum of record hashes misses swapped values, so that this is no idle care", async () => {
    const plain = "SELECT sum(hash_record_extended(r, 0))::text AS sum FROM (VALUES ";
    const [one] = await query<{ sum: string }>(database, `${plain} (1, 10), (2, 20)) AS r`);
    const [other] = await query<{ sum: string }>(database, `${plain} (1, 20), (2, 10)) AS r`);
    assert.equal(one?.sum, other?.sum);
  });

  it("does not depend on whether a column may hold NULL", async () => {
    const rows = "INSERT INTO t VALUES (1, 'x'), (2, 'y')";
    const strict = await of(`CREATE TABLE t (a int NOT NULL, b text NOT NULL); ${rows}`);
    assert.equal(await of(`CREATE TABLE t (a int, b text); ${rows}`), strict);
  });

  it("does not depend on the order of rows, and does on each of them", async () => {
    const row = fc.tuple(
      fc.integer({ min: -5, max: 5 }),
      fc.option(fc.string({ unit: "grapheme-ascii", maxLength: 3 })),
    );
    await query(database, "DROP TABLE IF EXISTS t; CREATE TABLE t (a int, b text)");
    const hash = async (rows: readonly (readonly [number, string | null])[]) => {
      await query(database, "TRUNCATE t");
      await query(database, "INSERT INTO t SELECT * FROM unnest($1::int[], $2::text[])", [
        rows.map(([a]) => a),
        rows.map(([, b]) => b),
      ]);
      return (await take({ jobs: 1 })).tables.map((table) => `${table.rows}:${table.hash}`).join();
    };
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), fc.nat(), async (rows, seed) => {
        const shuffled = rows
          .map((value, index) => ({ value, key: (index * 7919 + seed) % 101 }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
        const whole = await hash(rows);
        assert.equal(await hash(shuffled), whole);
        assert.notEqual(await hash(rows.slice(1)), whole);
      }),
      { numRuns: 25 },
    );
  });

  it("gives every NaN the same hash, as a restored one has another bit pattern", async () => {
    const computed = await of(
      "CREATE TABLE t (a float8, b float4); INSERT INTO t VALUES ('inf'::float8 - 'inf'::float8, 'inf'::float4 - 'inf'::float4)",
    );
    assert.equal(computed, await of("CREATE TABLE t (a float8, b float4); INSERT INTO t VALUES ('NaN', 'NaN')"));
  });

  it("is the same whatever the settings of database and role", async () => {
    const sql =
      "CREATE TABLE t (a date, b money, c bytea, d interval, e float8, f timestamptz, g feeling[]); INSERT INTO t VALUES ('2026-02-01', 3, '\\xff', '1 mon', 0.1, '2026-01-01Z', '{x}')";
    const before = await of(sql);
    await query(
      database,
      `ALTER DATABASE ${name} SET "DateStyle" TO 'German'; ALTER DATABASE ${name} SET bytea_output TO escape;
      ALTER DATABASE ${name} SET "IntervalStyle" TO iso_8601; ALTER DATABASE ${name} SET extra_float_digits TO -5;
      ALTER DATABASE ${name} SET "TimeZone" TO 'Asia/Tokyo'; ALTER DATABASE ${name} SET search_path TO public`,
    );
    const { tables } = await take();
    await query(database, `ALTER DATABASE ${name} RESET ALL`);
    assert.equal(tables.map((table) => `${table.rows}:${table.hash}`).join(), before);
  });

  it("compares only the columns that are asked for", async () => {
    const options = { columns: (_table: unknown, column: string) => column !== "b" };
    const one = await of("CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 2)", options);
    assert.equal(await of("CREATE TABLE t (b text, a int); INSERT INTO t VALUES ('x', 1)", options), one);
    assert.notEqual(await of("CREATE TABLE t (a int, b int); INSERT INTO t VALUES (2, 2)", options), one);
  });

  it("as text, is the same for a column whose type has grown, and not for a lost digit", async () => {
    const options = { image: "text" as const };
    const one = await of("CREATE TABLE t (a int, b varchar(9)); INSERT INTO t VALUES (1, 'x')", options);
    assert.equal(await of("CREATE TABLE t (a bigint, b text); INSERT INTO t VALUES (1, 'x')", options), one);
    assert.notEqual(await of("CREATE TABLE t (a numeric, b text); INSERT INTO t VALUES (1.5, 'x')", options), one);
  });

  it("hashes leaf partitions and children each once, leaves out temporary, foreign and generated", async () => {
    await query(
      database,
      `DROP TABLE IF EXISTS t; CREATE TABLE p (a int, g int GENERATED ALWAYS AS (a) STORED) PARTITION BY LIST (a);
      CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE base (a int); CREATE TABLE c () INHERITS (base); INSERT INTO c VALUES (1); INSERT INTO p VALUES (1)`,
    );
    const { tables } = await take();
    assert.deepEqual(
      tables.map((table) => [table.name, table.rows, table.columns]),
      [
        ["base", 0, ["a"]],
        ["c", 1, ["a"]],
        ["p1", 1, ["a"]],
      ],
    );
    await query(database, "DROP TABLE p, base CASCADE");
  });

  it("sees large objects: number, bytes across pieces, owner", async () => {
    const large = async (sql: string) => {
      await query(database, `SELECT lo_unlink(oid) FROM pg_largeobject_metadata; ${sql}`);
      return (await take()).largeObjects;
    };
    const whole = await large("SELECT lo_from_bytea(7, decode(repeat('ab', 2500000), 'hex'))");
    assert.equal(whole.count, 1);
    const late = await large("SELECT lo_from_bytea(7, decode(repeat('ab', 2499999) || 'ac', 'hex'))");
    assert.notEqual(late.hash, whole.hash);
    assert.notEqual((await large("SELECT lo_from_bytea(8, decode(repeat('ab', 2500000), 'hex'))")).hash, whole.hash);
    assert.deepEqual(await large("SELECT lo_from_bytea(7, decode(repeat('ab', 2500000), 'hex'))"), whole);
    const many = await large("SELECT lo_from_bytea(1000 + i, i::text::bytea) FROM generate_series(1, 1200) i");
    assert.equal(many.count, 1200);
    await large("SELECT 1");
  });

  it("refuses where row security would hide rows, instead of hashing the rest", async () => {
    await query(
      database,
      `DROP ROLE IF EXISTS narrow; CREATE ROLE narrow LOGIN PASSWORD 'narrow'; DROP TABLE IF EXISTS t; CREATE TABLE t (a int);
      INSERT INTO t VALUES (1), (2); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON t USING (a = 1); GRANT SELECT ON t TO narrow;
      GRANT USAGE ON SCHEMA public TO narrow`,
    );
    process.env.NARROW_PASSWORD = "narrow";
    const narrow: Database = {
      ...database,
      user: "narrow",
      password: { from: "environment", variable: "NARROW_PASSWORD" },
    };
    const options = { jobs: 1, log: silent, signal: new AbortController().signal };
    await assert.rejects(
      fingerprintDatabase(narrow, options),
      failsWith("NOT_READABLE", /public\.t .*row-level security/),
    );
    await query(database, "ALTER TABLE t DISABLE ROW LEVEL SECURITY; REVOKE SELECT ON t FROM narrow");
    await assert.rejects(fingerprintDatabase(narrow, options), failsWith("NOT_READABLE", /permission denied/));
    await query(database, "DROP TABLE t; REVOKE USAGE ON SCHEMA public FROM narrow; DROP ROLE narrow");
  });

  it("gives up on a table that is held exclusively", async () => {
    await query(database, "DROP TABLE IF EXISTS t; CREATE TABLE t (a int)");
    await withClient(database, { applicationName: "holder" }, async (client) => {
      await client.query("BEGIN; LOCK TABLE t");
      await assert.rejects(take({ lockTimeoutMs: 50 }), failsWith("BLOCKED", /could not be read within 50 ms/));
    });
  });

  it("stops a long query when it is told to", async () => {
    await query(database, "DROP TABLE IF EXISTS t; CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    const stop = new AbortController();
    await withClient(database, { applicationName: "holder" }, async (client) => {
      await client.query("BEGIN; LOCK TABLE t");
      const running = take({ signal: stop.signal });
      setTimeout(() => stop.abort(), 200);
      await assert.rejects(running, failsWith("INTERRUPTED"));
    });
  });
});
