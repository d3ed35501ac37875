-- A database with one of everything that belongs to a database. Roles: app, reader, auditor, granted by the test.
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION pgcrypto;
CREATE SCHEMA shop AUTHORIZATION app;
CREATE SCHEMA "Odd Schema";
COMMENT ON SCHEMA shop IS 'the shop''s own';
GRANT USAGE ON SCHEMA shop TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA shop GRANT SELECT ON TABLES TO reader;
SET search_path = shop, public;

CREATE TYPE mood AS ENUM ('sad', 'meh', 'ok', 'happy');
CREATE DOMAIN positive AS numeric(10, 2) CHECK (VALUE > 0);
CREATE DOMAIN mood_domain AS mood;
CREATE DOMAIN email AS citext CHECK (VALUE ~ '@');
CREATE DOMAIN tags AS text[];
CREATE TYPE address AS (street text, mood mood, at timestamptz, ratio float8);
CREATE TYPE price_range AS RANGE (subtype = numeric);
CREATE FUNCTION lossy(address) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'an address' $$;
CREATE CAST (address AS text) WITH FUNCTION lossy(address) AS ASSIGNMENT;

CREATE TABLE everything (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, small int2, whole int4, big int8, exact numeric, fixed numeric(10, 2),
  single float4, double float8, doubles float8[], cash money, line text, short varchar(10), padded char(8), "Quoted ""Name" text, one "char",
  raw bytea, day date, hour time, hour_tz timetz, at timestamp, at_tz timestamptz, span interval, yes bool,
  feeling mood, feelings mood[], domain_feeling mood_domain, amount positive, mail email, ci citext, labels tags, kv hstore,
  place address, places address[], prices price_range, ints int4range, multi int4multirange, times tstzrange,
  js json, jsb jsonb, path jsonpath, markup xml, ip inet, net cidr, mac macaddr, bits bit(8), flags varbit, id_ uuid,
  vec tsvector, ask tsquery, pt point, poly polygon, circ circle, proc regprocedure, rel regclass, typ regtype, obj oid, matrix int[][],
  lsn pg_lsn, nm name, doubled int4 GENERATED ALWAYS AS (whole * 2) STORED
);
ALTER TABLE everything OWNER TO app;
INSERT INTO everything (small, whole, big, exact, fixed, single, double, doubles, cash, line, short, padded, "Quoted ""Name", one, raw, day, hour, hour_tz, at,
  at_tz, span, yes, feeling, feelings, domain_feeling, amount, mail, ci, labels, kv, place, places, prices, ints, multi, times, js, jsb, path, markup, ip, net,
  mac, bits, flags, id_, vec, ask, pt, poly, circ, proc, rel, typ, obj, matrix, lsn, nm)
SELECT i % 100, i, i * 10000000000, i * 1.100, i, i / 3.0, i / 7.0, ARRAY['-0', 'NaN', i::float8], i, 'línea ' || i || E'\ttab\\ \n\r', 'v' || i, 'p' || i, NULLIF('', 'x'), 'c',
  decode(md5(i::text), 'hex'), '2026-01-01'::date + i, '10:00'::time + i * interval '1 s', '10:00+02', '2026-01-01'::timestamp + i * interval '1 us',
  '2026-03-29 01:59+01'::timestamptz + i * interval '1 min', make_interval(months => i, days => i * 40, secs => i), i % 2 = 0,
  (enum_range(NULL::mood))[1 + i % 4], enum_range(NULL::mood), 'happy', i + 0.5, 'User' || i || '@Example.com', 'MiXeD' || i, ARRAY['a', NULL, 'c"' || i],
  hstore('k', i::text), ROW('s' || i, 'meh'::mood, now(), 0.1 + 0.2)::address, ARRAY[ROW('s', 'ok'::mood, NULL, i)::address],
  price_range(i, i + 1.50), int4range(i, i + 5), '{[1,3),[7,9)}', tstzrange('2026-01-01', NULL), '{"b": 1,  "a": 1.0, "a": 2}', '{"b": 1.10, "a": [1, null]}',
  '$.a[*] ? (@ > 1)', '<a b="1">x &amp; y</a>', '10.0.0.1/24', '10.0.0.0/24', '08:00:2b:01:02:03', B'10101010', B'101', gen_random_uuid(),
  to_tsvector('english', 'the quick foxes ' || i), to_tsquery('fox & ' || i), point(i, '-0'), '((0,0),(1,1),(1,0))', '<(1,1),2>', 'lossy(address)', 'everything', 'mood', 42,
  '{{1,2},{3,4}}', '16/B374D848', 'name' || i
FROM generate_series(1, 500) i;
INSERT INTO everything (single, double, exact, line) VALUES ('NaN', 'inf'::float8 - 'inf'::float8, 'NaN', ''), ('-0', '-0', '1.0', NULL), ('inf', '-inf', '1.00', NULL);
COMMENT ON COLUMN everything.line IS 'a line; with ''quotes''';
CREATE INDEX everything_line ON everything (lower(line)) WHERE yes;
CREATE STATISTICS everything_stats ON small, whole FROM everything;

CREATE TABLE orders (id int NOT NULL, placed date NOT NULL, owner text DEFAULT current_user, customer bigint REFERENCES everything (id)) PARTITION BY RANGE (placed);
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE orders_2026 (placed date NOT NULL, id int NOT NULL, dropped text, customer bigint, owner text DEFAULT current_user);
ALTER TABLE orders_2026 DROP COLUMN dropped;
ALTER TABLE orders ATTACH PARTITION orders_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
INSERT INTO orders SELECT i, '2024-06-01'::date + i, 'app', 1 + i % 500 FROM generate_series(1, 900) i;
ALTER TABLE orders ADD CONSTRAINT orders_id CHECK (id > 0) NOT VALID;
CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3);
CREATE UNLOGGED TABLE cache AS SELECT 1 AS a;
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;

ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;
CREATE POLICY own_orders ON orders FOR SELECT TO reader USING (owner = current_user);
GRANT SELECT, UPDATE (owner) ON orders TO reader WITH GRANT OPTION;

CREATE SEQUENCE counter INCREMENT BY -5 START 100 MAXVALUE 100 CYCLE; SELECT nextval('counter');
CREATE SEQUENCE untouched START 7;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := coalesce(NEW.a, 0) + 1; RETURN NEW; END; $$;
CREATE TRIGGER touch_parent BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE parent DISABLE TRIGGER touch_parent;
CREATE VIEW happy AS SELECT id, line FROM everything WHERE feeling = 'happy' WITH CASCADED CHECK OPTION;
CREATE RULE no_delete AS ON DELETE TO parent DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW per_mood AS SELECT feeling, count(*) FROM everything GROUP BY 1;
CREATE UNIQUE INDEX per_mood_feeling ON per_mood (feeling);
CREATE MATERIALIZED VIEW empty_view AS SELECT 1 AS a WITH NO DATA;
CREATE PROCEDURE noop() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE longest (text) (sfunc = textcat, stype = text);
CREATE TABLE "Odd Schema"."Table ""x""" ("Key" text COLLATE "C" PRIMARY KEY, "select" int);
INSERT INTO "Odd Schema"."Table ""x""" VALUES ('a', 1);
CREATE PUBLICATION news FOR TABLE orders WITH (publish = 'insert, truncate');
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'ddl'; END; $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();
CREATE TABLE public._prisma_migrations (id text, checksum text, finished_at timestamptz, migration_name text, logs text, rolled_back_at timestamptz, started_at timestamptz DEFAULT now(), applied_steps_count int);
INSERT INTO public._prisma_migrations VALUES ('1', 'abc', now(), '20260101000000_init', NULL, NULL, now(), 1);
SELECT lo_from_bytea(4711, 'a large object'), lo_from_bytea(4712, ''), lo_from_bytea(4713, decode(repeat('ab', 3000000), 'hex'));
ALTER LARGE OBJECT 4711 OWNER TO app; GRANT SELECT ON LARGE OBJECT 4712 TO reader; COMMENT ON LARGE OBJECT 4712 IS 'empty';
ALTER TYPE mood ADD VALUE 'late' BEFORE 'ok';
