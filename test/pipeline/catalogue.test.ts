import assert from "node:assert/strict";
import { openReader } from "../../pipeline/postgres/readSession.js";
import { compareCatalogues, readCatalogue } from "../../pipeline/rehearsal/catalogue.js";
import { testCluster } from "../support/postgres.js";
import { query } from "./backupFixtures.js";

const schema = `
CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL, n int); CREATE INDEX users_n ON users (n);
CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE pair AS (x int, y int); CREATE DOMAIN pos AS int CHECK (VALUE > 0);
CREATE VIEW seen AS SELECT id, email FROM users; CREATE SEQUENCE counter; CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent);
CREATE FUNCTION as_int(mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION fires() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER bump BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION bump();
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int); CREATE STATISTICS pairs ON id, n FROM users;
CREATE PUBLICATION news FOR TABLE parent; CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER away FOREIGN DATA WRAPPER wrapper;
CREATE FOREIGN TABLE far (a int) SERVER away; CREATE POLICY own ON users USING (true);`;

/** What a `down.sql` may leave other than it was, with the object that is told. */
const changes: readonly (readonly [sql: string, object: string])[] = [
  ["COMMENT ON SEQUENCE counter IS 'x'", "sequence public.counter"],
  ["ALTER SEQUENCE counter OWNED BY users.n", "sequence public.counter"],
  ["GRANT USAGE ON SEQUENCE counter TO PUBLIC", "sequence public.counter"],
  ["DROP STATISTICS pairs", "statistics public.pairs"],
  ["COMMENT ON STATISTICS pairs IS 'x'", "statistics public.pairs"],
  ["ALTER PUBLICATION news ADD TABLE users", "publication news"],
  ["ALTER PUBLICATION news SET (publish = 'insert')", "publication news"],
  ["ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", "default privileges of"],
  ["COMMENT ON COLUMN seen.id IS 'x'", "column public.seen.id"],
  ["ALTER VIEW seen ALTER COLUMN id SET DEFAULT 4", "column public.seen.id"],
  ["ALTER TABLE child NO INHERIT parent", "table public.child"],
  ["ALTER TABLE users ALTER COLUMN email SET STORAGE EXTERNAL", "column public.users.email"],
  ["ALTER TABLE users ALTER COLUMN n SET STATISTICS 500", "column public.users.n"],
  ["ALTER TABLE users ALTER COLUMN n SET (n_distinct = 5)", "column public.users.n"],
  ["ALTER TABLE users ALTER COLUMN n SET DEFAULT 5", "column public.users.n"],
  ['ALTER TABLE users ADD COLUMN k text COLLATE "C"', "column public.users.k"],
  ["CREATE CAST (mood AS int) WITH FUNCTION as_int(mood)", "cast (public.mood AS integer)"],
  ["CREATE COLLATION plain (LOCALE = 'C')", "collation public.plain"],
  ["CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)", "operator public.=== (integer, integer)"],
  ["CREATE TEXT SEARCH CONFIGURATION words (COPY = simple)", "text search configuration public.words"],
  ["ALTER TYPE pair ADD ATTRIBUTE z int", "column public.pair.z"],
  ["COMMENT ON TYPE pair IS 'x'", "type public.pair"],
  ["COMMENT ON DOMAIN pos IS 'x'", "type public.pos"],
  ["CREATE RULE kept AS ON DELETE TO users DO INSTEAD NOTHING", "rule kept of public.users"],
  ["ALTER TABLE users REPLICA IDENTITY FULL", "table public.users"],
  ["ALTER TABLE users SET (fillfactor = 50)", "table public.users"],
  ["ALTER TABLE users CLUSTER ON users_pkey", "index public.users_pkey"],
  ["ALTER INDEX users_n SET (fillfactor = 50)", "index public.users_n"],
  ["ALTER TABLE users DISABLE TRIGGER bump", "trigger bump of public.users"],
  ["CREATE EXTENSION citext", "extension citext"],
  ["ALTER SERVER away OPTIONS (host 'x')", "foreign server away"],
  ["ALTER FOREIGN DATA WRAPPER wrapper OPTIONS (a 'x')", "foreign data wrapper wrapper"],
  ["ALTER FOREIGN TABLE far OPTIONS (a 'x')", "foreign table options of public.far"],
  ["CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION fires()", "event trigger watch"],
  ["COMMENT ON AGGREGATE total(int) IS 'x'", "function public.total(integer)"],
  ["ALTER FUNCTION as_int(mood) SET search_path = x", "function public.as_int(public.mood)"],
  ["COMMENT ON CONSTRAINT users_pkey ON users IS 'x'", "constraint users_pkey of public.users"],
  ["ALTER POLICY own ON users USING (false)", "policy own of public.users"],
  ["COMMENT ON POLICY own ON users IS 'x'", "policy own of public.users"],
  [
    "DROP AGGREGATE total(int); CREATE AGGREGATE total(int) (SFUNC = int4mul, STYPE = int)",
    "function public.total(integer)",
  ],
  ["ALTER TABLE users SET UNLOGGED", "table public.users"],
];

describe("the schema as PostgreSQL has it", function () {
  this.timeout(60_000);
  const name = "catalogue";
  after(async () => (await testCluster()).drop(name));

  it("is another one after whatever change that Prisma does not model, and the same after none", async () => {
    const database = await (await testCluster()).create(name);
    await query(database, schema);
    const client = await openReader(database, "test");
    try {
      const before = await readCatalogue(client);
      assert.deepEqual(compareCatalogues(before, await readCatalogue(client)), []);
      for (const [sql, object] of changes) {
        await client.query("BEGIN");
        await client.query(`SET LOCAL search_path = public; ${sql}; SET LOCAL search_path = pg_catalog`);
        const seen = compareCatalogues(before, await readCatalogue(client));
        await client.query("ROLLBACK");
        assert.ok(
          seen.some((line) => line.startsWith(object)),
          `${sql}: ${seen.join("; ")}`,
        );
      }
      // What some servers keep of their own among a column's options: another value for each that is made.
      await client.query("BEGIN");
      await client.query("SET LOCAL allow_system_table_mods = on");
      await client.query(
        "UPDATE pg_attribute SET attoptions = '{pg_attver=22119440}' WHERE attrelid = 'public.users'::regclass AND attnum > 0",
      );
      assert.deepEqual(compareCatalogues(before, await readCatalogue(client)), []);
      await client.query("ROLLBACK");
    } finally {
      await client.end();
    }
  });
});
