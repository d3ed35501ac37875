import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/client.js";

/**
 * The shop's own data checks, which `verify` runs after each migration through the Prisma client that the application
 * uses: the counts and the orphaned orders of the migration plan, and what the shop's accounting relies on.
 */

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | undefined;
  readonly database: string;
}

export interface Finding {
  readonly check: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly remedy: string;
}

export interface Outcome {
  readonly counts: Record<string, number>;
  readonly findings: Finding[];
}

/** What a check finds: how many rows are wrong, and a few of their names. */
interface Wrong {
  readonly count: number;
  readonly examples: readonly string[];
}

/** How many of the rows found are named. */
const named = 5;

interface CountedRow {
  readonly name: string;
  /** Of all such rows, from a window function. */
  readonly total: bigint;
}

/** Runs the checks; they only read. @throws what the client throws if the database cannot be read. */
export default async function checks(connection: Connection): Promise<Outcome> {
  const prisma = new PrismaClient({
    // Each part apart: from a connection string, Prisma takes the database for its shadow database.
    adapter: new PrismaPg({ ...connection, max: 2, application_name: "safe-migration checks" }),
  });
  try {
    const [users, orders] = [await prisma.userProfile.count(), await prisma.order.count()];
    const findings = [
      finding(
        "orders-without-user",
        await ordersWithoutUser(prisma),
        "belong to no user",
        "Give each its user, or restore them: npm run db:restore",
      ),
      finding(
        "orders-of-missing-user",
        await ordersOfMissingUser(prisma),
        "belong to a user that is not there (the foreign key is missing or not valid)",
        "Restore the users (npm run db:restore), then: ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey",
      ),
      finding(
        "order-totals",
        await ordersWithWrongTotal(prisma),
        "have a subtotal other than the sum of their items, or a total other than subtotal and shipping",
        "Compare them with the newest backup (npm run db:restore restores it) before anything is charged",
      ),
      finding(
        "paid-orders",
        await paidOrdersWithoutPayment(prisma),
        "are paid, shipped or delivered, and their captured payments are not their total",
        "Compare them with the payment provider's list before anything is shipped",
      ),
    ].filter((one) => one !== undefined);
    return { counts: { users, orders }, findings };
  } finally {
    // Ends the adapter's pool too; otherwise the process would not end.
    await prisma.$disconnect();
  }
}

/** The migration plan's check, as it stands there. */
async function ordersWithoutUser(prisma: PrismaClient): Promise<Wrong> {
  const where = { user: null };
  const some = await prisma.order.findMany({ where, select: { number: true }, orderBy: { id: "asc" }, take: named });
  if (some.length === 0) return { count: 0, examples: [] };
  return { count: await prisma.order.count({ where }), examples: some.map(({ number }) => number) };
}

async function ordersOfMissingUser(prisma: PrismaClient): Promise<Wrong> {
  return counted(
    await prisma.$queryRaw<CountedRow[]>`
      SELECT o.number AS name, count(*) OVER () AS total
        FROM orders o LEFT JOIN user_profiles u ON u.id = o.user_id
       WHERE o.user_id IS NOT NULL AND u.id IS NULL
       ORDER BY o.id LIMIT ${named}`,
  );
}

async function ordersWithWrongTotal(prisma: PrismaClient): Promise<Wrong> {
  return counted(
    await prisma.$queryRaw<CountedRow[]>`
      SELECT o.number AS name, count(*) OVER () AS total
        FROM orders o
        LEFT JOIN (SELECT order_id, sum(quantity * unit_price) AS subtotal FROM order_items GROUP BY order_id) i
          ON i.order_id = o.id
       WHERE o.subtotal <> coalesce(i.subtotal, 0) OR o.total <> o.subtotal + o.shipping
       ORDER BY o.id LIMIT ${named}`,
  );
}

async function paidOrdersWithoutPayment(prisma: PrismaClient): Promise<Wrong> {
  return counted(
    await prisma.$queryRaw<CountedRow[]>`
      SELECT o.number AS name, count(*) OVER () AS total
        FROM orders o
        LEFT JOIN (SELECT order_id, sum(amount) AS paid FROM payments WHERE status = 'CAPTURED' GROUP BY order_id) p
          ON p.order_id = o.id
       WHERE o.status IN ('PAID', 'SHIPPED', 'DELIVERED') AND o.total <> coalesce(p.paid, 0)
       ORDER BY o.id LIMIT ${named}`,
  );
}

function counted(rows: readonly CountedRow[]): Wrong {
  return { count: Number(rows[0]?.total ?? 0), examples: rows.map(({ name }) => name) };
}

function finding(check: string, { count, examples }: Wrong, what: string, remedy: string): Finding | undefined {
  if (count === 0) return undefined;
  const rest = count > examples.length ? ` and ${count - examples.length} more` : "";
  const message = `${count} orders ${what}: ${examples.join(", ")}${rest}.`;
  return { check, severity: "error", message, remedy };
}
