import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { z } from "zod";
import { findingSchema, type Database } from "../../pipeline/contracts.js";
import { ensureSample } from "../../pipeline/local/sample.js";
import { silent } from "../../pipeline/log.js";
import { readPassword, withClient } from "../../pipeline/postgres/connection.js";
import { run } from "../../pipeline/process.js";
import { testCluster } from "../support/postgres.js";

const root = resolve(__dirname, "../..");
const project = { schema: join(root, "prisma/schema.prisma"), migrations: join(root, "prisma/migrations") };
const name = "sample_checks";
const outcome = z.strictObject({ counts: z.record(z.string(), z.int()), findings: z.array(findingSchema) });

describe("the sample's data checks, bundled into one file", function () {
  this.timeout(120_000);
  let folder: string;
  let database: Database;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "safe-migration-checks-"));
    if (!existsSync(join(root, "prisma/generated/client.ts"))) await generateClient();
    await build({
      entryPoints: [join(root, "prisma/checks.ts")],
      outfile: join(folder, "checks.cjs"),
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      external: ["pg-native"],
      logLevel: "error",
    });
    database = await (await testCluster()).create(name, { owner: "shop" });
    const signal = new AbortController().signal;
    await ensureSample(database, project, { users: 100, orders: 400, log: silent, signal });
    // The checks' client knows the newest schema, and so must the database.
    for (const sql of ["gift_message TEXT", "delivery_instructions VARCHAR(500)"])
      await change(`ALTER TABLE orders ADD ${sql}`);
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await (await testCluster()).drop(name);
  });

  const change = (sql: string) => withClient(database, { applicationName: "test" }, (client) => client.query(sql));

  /** In a process of its own, in a folder without node_modules, as on a host; a pool left open would keep it from ending. */
  async function check(): Promise<z.infer<typeof outcome>> {
    const { host, port, user } = database;
    const password = await readPassword(database.password, database);
    const { exitCode, stdout, stderr } = await run(
      process.execPath,
      [
        "-e",
        `require("./checks.cjs").default(JSON.parse(process.env.CHECKS)).then((found) => console.log(JSON.stringify(found)))`,
      ],
      { cwd: folder, env: { CHECKS: JSON.stringify({ host, port, user, password, database: name }) } },
    );
    assert.equal(exitCode, 0, stderr);
    return outcome.parse(JSON.parse(stdout));
  }
  const found = async () => (await check()).findings.map((one) => one.check);

  it("counts users and orders, and finds nothing wrong with the sample", async () => {
    assert.deepEqual(await check(), { counts: { users: 100, orders: 400 }, findings: [] });
  });

  it("finds an order without a user, and names it", async () => {
    await change("UPDATE orders SET user_id = NULL WHERE id = 7");
    const { findings } = await check();
    assert.deepEqual(
      findings.map((one) => one.check),
      ["orders-without-user"],
    );
    assert.match(findings[0]?.message ?? "", /^1 orders .*HBS0000000007\.$/);
    await change("UPDATE orders SET user_id = (SELECT user_id FROM orders WHERE id = 8) WHERE id = 7");
  });

  it("finds orders of a user that is not there, where no foreign key guards them", async () => {
    await change("ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey");
    await change("UPDATE orders SET user_id = gen_random_uuid() WHERE id <= 9");
    const { findings } = await check();
    assert.equal(findings[0]?.check, "orders-of-missing-user");
    assert.match(findings[0]?.message ?? "", /^9 orders .* and 4 more\.$/);
    await change("UPDATE orders SET user_id = (SELECT user_id FROM orders WHERE id = 10) WHERE id <= 9");
    assert.deepEqual(await found(), []);
  });

  it("finds totals that are not the sum of the items, and paid orders without payment", async () => {
    await change(
      "UPDATE orders SET subtotal = subtotal + 1, total = total + 1 WHERE id = (SELECT min(id) FROM orders WHERE status = 'PENDING')",
    );
    assert.deepEqual(await found(), ["order-totals"]);
    await change("DELETE FROM payments WHERE order_id = (SELECT min(id) FROM orders WHERE status = 'DELIVERED')");
    assert.deepEqual(await found(), ["order-totals", "paid-orders"]);
  });
});

/** Prisma's command line looks for an engine it does not need for this; any program keeps it from downloading one. */
async function generateClient(): Promise<void> {
  const cli = join(root, "node_modules/prisma/build/index.js");
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  const { exitCode, stderr } = await run(process.execPath, [cli, "generate", "--schema", project.schema], {
    cwd: root,
    env,
  });
  assert.equal(exitCode, 0, stderr);
}
