import type pg from "pg";

/** What the shop asks its database. */

export async function health(pool: pg.Pool): Promise<object> {
  const { rows } = await pool.query<{ users: boolean; orders: boolean }>(
    "SELECT EXISTS (SELECT FROM user_profiles) AS users, EXISTS (SELECT FROM orders) AS orders",
  );
  if (rows[0]?.users !== true) throw new Error("there are no users");
  return { status: "healthy", ...rows[0] };
}

export async function recentOrders(pool: pg.Pool): Promise<object[]> {
  const { rows } = await pool.query<object>(
    `SELECT o.number, o.total, o.placed_at, u.first_name
       FROM orders o LEFT JOIN user_profiles u ON u.id = o.user_id ORDER BY o.id DESC LIMIT 10`,
  );
  return rows;
}

export async function orderByNumber(pool: pg.Pool, number: string): Promise<object | undefined> {
  const { rows } = await pool.query<object>(
    `SELECT o.number, o.total, count(i.id)::int AS items
       FROM orders o LEFT JOIN order_items i ON i.order_id = o.id WHERE o.number = $1 GROUP BY o.id`,
    [number],
  );
  return rows[0];
}

/** An order of one item by some user, whole or not at all: once it is answered, it may not be lost. */
export async function addOrder(pool: pg.Pool, number: string): Promise<object> {
  await pool.query(
    `WITH bought AS (SELECT id, price FROM product_variants ORDER BY id LIMIT 1),
          buyer AS (SELECT id FROM user_profiles ORDER BY id LIMIT 1),
          made AS (INSERT INTO orders (number, user_id, subtotal, total)
                   SELECT $1, buyer.id, bought.price, bought.price FROM bought, buyer RETURNING id)
     INSERT INTO order_items (order_id, variant_id, quantity, unit_price)
     SELECT made.id, bought.id, 1, bought.price FROM made, bought`,
    [number],
  );
  return { number };
}
