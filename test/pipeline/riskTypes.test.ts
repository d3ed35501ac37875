import assert from "node:assert/strict";
import { withClient } from "../../pipeline/postgres/connection.js";
import { assessMigrations } from "../../pipeline/risk/assess.js";
import { testCluster } from "../support/postgres.js";

/** Whether a change of type rewrites is PostgreSQL's to say: each pair is tried on a real column. */
const types = `
  text; varchar; varchar(5); varchar(10); char(5); char(10); bpchar; citext; smallint; integer; bigint; numeric;
  numeric(10,2); numeric(12,2); numeric(12,4); real; double precision; timestamp; timestamp(3); timestamp(6); timestamptz;
  timestamptz(3); timestamptz(6); date; time; time(3); boolean; json; jsonb; uuid; bytea; inet; cidr; xml; money; oid; bit(3);
  varbit; varbit(8); interval; text[]; varchar[]; varchar(5)[]; varchar(10)[]; integer[]; bigint[]; numeric(10,2)[];
  numeric(12,2)[]; timestamp(3)[]; timestamptz(6)[]; "Mood"; "Mood"[]; checked; unchecked`
  .split(";")
  .map((type) => type.trim());

const setUp = `
  CREATE EXTENSION IF NOT EXISTS citext;
  CREATE TYPE "Mood" AS ENUM ('a', 'b');
  CREATE DOMAIN checked AS text CHECK (VALUE <> '');
  CREATE DOMAIN unchecked AS text;`;

/** True, false, or null where PostgreSQL refuses; a rewritten table has another file. */
const probe = `
  CREATE FUNCTION rewrites(source text, change text) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE before oid;
  BEGIN
    EXECUTE format('CREATE TABLE t (c %s)', source);
    before := pg_relation_filenode('t');
    BEGIN
      EXECUTE change;
    EXCEPTION WHEN OTHERS THEN
      DROP TABLE t;
      RETURN NULL;
    END;
    before := nullif(pg_relation_filenode('t'), before);
    DROP TABLE t;
    RETURN before IS NOT NULL;
  END $$`;

/** The changes that are tried on each type: by the default cast, and by a written one. */
const changes = types.flatMap((to) => [`TYPE ${to}`, `TYPE ${to} USING c::${to}`]);

async function askPostgres(zone: string): Promise<(boolean | null)[]> {
  const cluster = await testCluster();
  const database = await cluster.create("risk_types");
  try {
    return await withClient(database, { applicationName: "risk types" }, async (client) => {
      await client.query(`${setUp} ${probe}; SET TIME ZONE '${zone}'`);
      const answers: (boolean | null)[] = [];
      // A transaction for each type: one for all would hold more locks than there is room for.
      for (const from of types) {
        const { rows } = await client.query<{ rewrites: boolean | null }>(
          "SELECT rewrites($1, 'ALTER TABLE t ALTER COLUMN c ' || change) FROM unnest($2::text[]) WITH ORDINALITY AS c(change, n) ORDER BY n",
          [from, changes],
        );
        answers.push(...rows.map(({ rewrites }) => rewrites));
      }
      return answers;
    });
  } finally {
    await cluster.drop("risk_types");
  }
}

/** The same changes, each on a table of its own. */
async function askRules(zone: string): Promise<boolean[]> {
  const pairs = types.flatMap((from) => changes.map((change) => ({ from, change })));
  const tables = pairs.map(({ from }, at) => `CREATE TABLE t${at} (c ${from});`).join("\n");
  const migrations = pairs.map(({ change }, at) => ({
    name: `m${at}`,
    path: `m${at}`,
    sql: `SET TIME ZONE '${zone}'; ALTER TABLE t${at} ALTER COLUMN c ${change};`,
  }));
  const history = [{ name: "0", path: "0", sql: `${setUp}\n${tables}` }, ...migrations];
  const names = new Set(migrations.map(({ name }) => name));
  const risks = await assessMigrations(history, names, { postgresMajor: 15, largeTableBytes: 1 });
  return risks.map(({ effects }) => effects.includes("rewrite"));
}

describe("changes of type, as PostgreSQL 15 does them", () => {
  for (const zone of ["UTC", "Asia/Tokyo"]) {
    it(`are said to rewrite exactly where it does, in ${zone}`, async () => {
      const [done, said] = [await askPostgres(zone), await askRules(zone)];
      const taken = done.filter((rewrites) => rewrites !== null).length;
      assert.ok(taken > 600, `PostgreSQL took only ${taken} of the changes`);
      const wrong = types
        .flatMap((from) => changes.map((change) => `${from} ${change}`))
        .flatMap((pair, at) => (done[at] === null || done[at] === said[at] ? [] : [`${pair}: ${done[at]}`]));
      assert.deepEqual(wrong, []);
    });
  }
});
