import type pg from "pg";
import type { SampleSize } from "./sampleSize.js";

/**
 * The sample data, made by the server from numbers alone: no clock, no `random()`, no hash that a version of PostgreSQL
 * may change, so that equal sizes give equal rows everywhere. Written for the columns that the sample's baseline has.
 */

const products = 240;
/** Of each product: 3 sizes by 2 colours. */
const variantsPerProduct = 6;
const variants = products * variantsPerProduct;
/** Rows of one statement: progress is told, and a stop is heard, between two of them. */
const chunk = 25_000;

/** What is said of a part of the work that is done. */
export type OnProgress = (message: string, fraction: number) => void;

/**
 * Choices for row `n`: `salt` tells one choice from another. A multiplicative hash on 32 bits: each product stays within
 * 64 bits, since PostgreSQL raises an error on overflow.
 */
const functions = `
CREATE FUNCTION pg_temp.mixed(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT ((n # (n >> 15)) * 739982445) & 4294967295 $$;
CREATE FUNCTION pg_temp.pick(n bigint, salt bigint, choices bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT (pg_temp.mixed((n * 2654435761 + salt * 1013904223) & 4294967295) >> 4) % choices $$;
CREATE FUNCTION pg_temp.one_of(n bigint, salt bigint, choices text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT choices[1 + pg_temp.pick(n, salt, cardinality(choices))] $$;
-- Variant, price in pesos and quantity of an order's item.
CREATE FUNCTION pg_temp.variant(n bigint, item bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT 1 + (pg_temp.pick(n, 31, ${variants}) + item * 397) % ${variants} $$;
CREATE FUNCTION pg_temp.price(variant bigint) RETURNS numeric LANGUAGE sql IMMUTABLE AS
  $$ SELECT (9900 + 1000 * pg_temp.pick((variant - 1) / ${variantsPerProduct}, 32, 90) + 500 * ((variant - 1) % 3))::numeric $$;
CREATE FUNCTION pg_temp.quantity(n bigint, item bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT 1 + pg_temp.pick(n * 8 + item, 33, 10) / 7 $$;
CREATE FUNCTION pg_temp.items(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT 1 + pg_temp.pick(n, 34, 4) $$;
-- The status of an order, by its number alone: payments are made by the same.
CREATE FUNCTION pg_temp.status(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT CASE WHEN p < 4 THEN 'PENDING' WHEN p < 10 THEN 'PAID' WHEN p < 18 THEN 'SHIPPED'
                 WHEN p < 95 THEN 'DELIVERED' ELSE 'CANCELLED' END
       FROM (SELECT pg_temp.pick(n, 35, 100) AS p) AS chosen $$;
`;

const first =
  "{María,Juan,Camila,Andrés,Valentina,Carlos,Daniela,Santiago,Laura,Felipe,Sofía,Nicolás,Paula,Sebastián,Isabella,Mateo,Luisa,Diego,Ana,Julián}";
const last =
  "{Gómez,Rodríguez,Martínez,López,García,Hernández,Muñoz,Ramírez,Torres,Díaz,Vargas,Castro,Rojas,Moreno,Peña,Suárez}";
const cities = "{Bogotá,Medellín,Cali,Barranquilla,Cartagena,Bucaramanga,Pereira,Manizales}";

const categories = `
INSERT INTO categories (id, slug, name, parent_id) VALUES
  (1, 'ropa', 'Ropa', NULL), (2, 'calzado', 'Calzado', NULL), (3, 'juguetes', 'Juguetes', NULL), (4, 'hogar', 'Hogar', NULL),
  (5, 'bodies', 'Bodies', 1), (6, 'pijamas', 'Pijamas', 1), (7, 'conjuntos', 'Conjuntos', 1), (8, 'gorros', 'Gorros', 1),
  (9, 'zapatos', 'Zapatos', 2), (10, 'medias', 'Medias', 2), (11, 'sonajeros', 'Sonajeros', 3), (12, 'mantas', 'Mantas', 4)`;

const productRows = `
INSERT INTO products (id, category_id, slug, name, description, tags, attributes, active, created_at, updated_at)
SELECT n, 5 + n % 8, format('producto-%s', n),
       format('%s %s %s', pg_temp.one_of(n, 1, '{Body,Pijama,Conjunto,Gorro,Manta,Saco}'),
              pg_temp.one_of(n, 2, '{Osito,Luna,Estrella,Nube,Arcoíris,Conejo}'), n),
       repeat('Algodón suave para la piel del bebé. ', (1 + pg_temp.pick(n, 3, 6))::int),
       ARRAY[pg_temp.one_of(n, 4, '{algodón,lana,lino}'), pg_temp.one_of(n, 5, '{recién nacido,bebé,niño}')],
       jsonb_build_object('material', pg_temp.one_of(n, 4, '{algodón,lana,lino}'), 'grams', 80 + pg_temp.pick(n, 6, 400)),
       pg_temp.pick(n, 7, 20) > 0, at, at
  FROM (SELECT n, timestamptz '2024-01-02 08:00+00' + n * interval '3 hours' AS at FROM generate_series(1, ${products}) AS n) AS p`;

const variantRows = `
INSERT INTO product_variants (id, product_id, sku, size, colour, price, stock)
SELECT n, 1 + (n - 1) / ${variantsPerProduct}, format('HBS-%s', lpad(n::text, 6, '0')),
       ('{0-3M,3-6M,6-12M}'::text[])[1 + (n - 1) % 3], ('{crema,menta}'::text[])[1 + ((n - 1) / 3) % 2],
       pg_temp.price(n), pg_temp.pick(n, 8, 200)
  FROM generate_series(1, ${variants}) AS n`;

const userRows = `
INSERT INTO user_profiles (id, email, first_name, last_name, phone, role, baby_birth, created_at, updated_at)
SELECT md5('user ' || n)::uuid, format('cliente%s@example.com', n),
       pg_temp.one_of(n, 11, '${first}'), pg_temp.one_of(n, 12, '${last}'),
       CASE WHEN pg_temp.pick(n, 13, 5) > 0 THEN '+57 3' || lpad(pg_temp.pick(n, 14, 100000000)::text, 9, '0') END,
       (CASE WHEN n = 1 THEN 'ADMIN' WHEN n <= 5 THEN 'STAFF' ELSE 'CUSTOMER' END)::user_role,
       CASE WHEN pg_temp.pick(n, 15, 3) > 0 THEN date '2023-01-01' + pg_temp.pick(n, 16, 900)::int END,
       at, at + pg_temp.pick(n, 18, 500) * interval '1 hour'
  FROM (SELECT n, timestamptz '2024-01-05 00:00+00' + pg_temp.pick(n, 17, 500000) * interval '1 minute' AS at
          FROM generate_series($1::bigint, $2::bigint) AS n) AS u`;

/** One for each user, and a second for every fifth. */
const addressRows = `
INSERT INTO addresses (id, user_id, street, city, postal_code, country, is_default, created_at)
SELECT md5(format('address %s %s', n, a))::uuid, md5('user ' || n)::uuid,
       format('Calle %s # %s-%s', 1 + pg_temp.pick(n, 21 + a, 180), 1 + pg_temp.pick(n, 23 + a, 99), 1 + pg_temp.pick(n, 25 + a, 99)),
       pg_temp.one_of(n, 27 + a, '${cities}'), lpad(pg_temp.pick(n, 29 + a, 1000000)::text, 6, '0'), 'CO', a = 1,
       timestamptz '2025-01-01 00:00+00' + pg_temp.pick(n, 17, 300000) * interval '1 minute'
  FROM generate_series($1::bigint, $2::bigint) AS n, generate_series(1, CASE WHEN n % 5 = 0 THEN 2 ELSE 1 END) AS a`;

/** A quarter of the orders are of a tenth of the users: some buy often. `$3`: users, `$4`: all orders. */
const orderRows = `
INSERT INTO orders (id, number, user_id, shipping_address_id, status, subtotal, shipping, total, currency, placed_at, updated_at)
SELECT n, 'HBS' || lpad(n::text, 10, '0'), md5('user ' || u)::uuid, md5(format('address %s 1', u))::uuid,
       pg_temp.status(n)::order_status, subtotal, shipping, subtotal + shipping, 'COP', at, at + pg_temp.pick(n, 43, 96) * interval '1 hour'
  FROM (SELECT n, 1 + pg_temp.pick(n, 41, CASE WHEN pg_temp.pick(n, 42, 4) = 0 THEN greatest($3::bigint / 10, 1) ELSE $3::bigint END) AS u,
               timestamptz '2025-01-01 00:00+00' + (n * 20000000 / $4::bigint) * interval '1 second' AS at
          FROM generate_series($1::bigint, $2::bigint) AS n) AS o,
       LATERAL (SELECT sum(pg_temp.quantity(n, i) * pg_temp.price(pg_temp.variant(n, i))) AS subtotal
                  FROM generate_series(1, pg_temp.items(n)) AS i) AS s,
       LATERAL (SELECT CASE WHEN subtotal >= 150000 THEN 0 ELSE 12000 END::numeric AS shipping) AS d`;

const itemRows = `
INSERT INTO order_items (id, order_id, variant_id, quantity, unit_price)
SELECT n * 4 - 4 + i, n, pg_temp.variant(n, i), pg_temp.quantity(n, i), pg_temp.price(pg_temp.variant(n, i))
  FROM generate_series($1::bigint, $2::bigint) AS n, generate_series(1, pg_temp.items(n)) AS i`;

/** An attempt that failed before every thirtieth order's payment; none for cancelled orders but every second. */
const paymentRows = `
INSERT INTO payments (id, order_id, method, status, amount, reference, created_at, paid_at)
SELECT n * 2 - 2 + attempt, n, pg_temp.one_of(n, 51, '{CARD,CARD,TRANSFER,CASH_ON_DELIVERY}')::payment_method,
       s.status::payment_status, o.total, substr(md5(format('payment %s %s', n, attempt)), 1, 24),
       o.placed_at + attempt * interval '1 minute',
       CASE WHEN s.status IN ('CAPTURED', 'REFUNDED') THEN o.placed_at + attempt * interval '2 minutes' END
  FROM generate_series($1::bigint, $2::bigint) AS n
  JOIN orders o ON o.id = n,
       generate_series(CASE WHEN pg_temp.pick(n, 52, 30) = 0 THEN 1 ELSE 2 END, 2) AS attempt,
       LATERAL (SELECT CASE WHEN attempt = 1 THEN 'FAILED' WHEN o.status = 'PENDING' THEN 'PENDING'
                            WHEN o.status = 'CANCELLED' THEN 'REFUNDED' ELSE 'CAPTURED' END AS status) AS s
 WHERE o.status <> 'CANCELLED' OR n % 2 = 0`;

const withSequence = ["categories", "products", "product_variants", "orders", "order_items", "payments"] as const;

/** Every table that is filled. */
export const sampleTables = [...withSequence, "user_profiles", "addresses"] as const;

/**
 * Fills the sample's empty tables; the caller's transaction makes it whole.
 *
 * @throws whatever the server says; `stopped` throws to end it between two statements.
 */
export async function generate(
  client: pg.ClientBase,
  { users, orders }: SampleSize,
  onProgress: OnProgress,
  stopped: () => void,
): Promise<void> {
  const total = users * 2 + orders * 4;
  let done = 0;
  const inChunks = async (name: string, sql: string, count: number, weight: number, more: number[] = []) => {
    for (let from = 1; from <= count; from += chunk) {
      stopped();
      const to = Math.min(from + chunk - 1, count);
      await client.query(sql, [from, to, ...more]);
      done += (to - from + 1) * weight;
      onProgress(`sample data: ${name} ${to} of ${count}`, done / total);
    }
  };
  await client.query("SET LOCAL jit = off");
  await client.query(functions);
  for (const sql of [categories, productRows, variantRows]) await client.query(sql);
  await inChunks("users", userRows, users, 1);
  await inChunks("addresses", addressRows, users, 1);
  await inChunks("orders", orderRows, orders, 1, [users, orders]);
  await inChunks("order items", itemRows, orders, 2);
  await inChunks("payments", paymentRows, orders, 1);
  for (const table of withSequence) {
    const { rows } = await client.query<{ sequence: string; next: string }>(
      `SELECT pg_get_serial_sequence($1, 'id') AS sequence, (coalesce(max(id), 0) + 1)::text AS next FROM ${table}`,
      [table],
    );
    // Unlike setval(), this is undone by a rollback, and so an interrupted start leaves no trace of having had data.
    for (const { sequence, next } of rows) await client.query(`ALTER SEQUENCE ${sequence} RESTART WITH ${next}`);
  }
}
