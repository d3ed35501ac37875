import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import pg from "pg";
import { addOrder, health, orderByNumber, recentOrders } from "./queries.js";

/**
 * A small shop over the sample's schema, as an application is under pm2: HTTP, a pool of connections, its own health, an orderly
 * end on SIGINT. For tests, the bench and the emergency drill; connects as the application's role, by PGHOST, PGPORT, PGUSER,
 * PGDATABASE and PGPASSFILE.
 */
const port = Number(process.env["PORT"]);
const pool = new pg.Pool({
  application_name: "happy-baby-style-backend",
  max: 20,
  connectionTimeoutMillis: 10_000,
  query_timeout: 60_000,
});
// An idle connection that is lost (a restore ends them all) is replaced by the next query.
pool.on("error", () => undefined);

async function answer({ method = "GET", url = "/" }: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const { pathname } = new URL(url, "http://localhost");
  if (method === "GET" && pathname === "/health") return { status: 200, body: await health(pool) };
  if (method === "GET" && pathname === "/orders") return { status: 200, body: await recentOrders(pool) };
  const number = /^\/orders\/([\w-]{1,16})$/.exec(pathname)?.[1];
  if (number === undefined) return { status: 404, body: { error: "no such page" } };
  if (method === "POST") return { status: 201, body: await addOrder(pool, number) };
  const order = await orderByNumber(pool, number);
  return order === undefined ? { status: 404, body: { error: "no such order" } } : { status: 200, body: order };
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  answer(request).then(
    ({ status, body }) => respond(response, status, body),
    (error: unknown) => respond(response, 503, { error: error instanceof Error ? error.message : String(error) }),
  );
});
server.listen(port, "127.0.0.1");

/** pm2 sends SIGINT and, after its `kill_timeout`, SIGKILL. What was begun is answered first. */
function stop(): void {
  server.close(() => void pool.end().then(() => process.exit(0)));
  // Clients keep their connections for the next request; each is closed once its last one is answered.
  setInterval(() => server.closeIdleConnections(), 20);
}
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
