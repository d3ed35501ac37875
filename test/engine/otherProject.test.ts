import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Checkout } from "../support/checkout.js";
import { inSteps } from "../support/inSteps.js";

const clinic = resolve(__dirname, "../support/prismaProjects/clinic");
const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

interface Outputs {
  connection: { url: string };
  appliedNow: string[];
  migrations: { name: string }[];
  health: Record<string, string | number>;
}

/**
 * An application that knows nothing of this project, in a folder of its own: as Prisma 6 has it, several files and PostgreSQL
 * schemas, no foreign keys, extensions, a view, no checks. Each step stands on the one before.
 */
describe("another project's folder", function () {
  this.timeout(300_000);
  inSteps(this);
  let checkout: Checkout;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "clinic app-"));
    await cp(clinic, folder, { recursive: true });
    await rm(join(folder, "db/migrations"), { recursive: true });
    checkout = await Checkout.make(
      [
        "config:",
        "  safe-migration:database: { name: clinic, owner: clinic_app, schema: shop }",
        `  safe-migration:project: { schema: "${folder}/db/schema", migrations: "${folder}/db/migrations", checks: "" }`,
        "  safe-migration:sample: { enabled: false }",
        "",
      ].join("\n"),
    );
  });
  after(async () => {
    await checkout.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const rows = <Row extends object>(sql: string) => checkout.rows<Row & Record<string, unknown>>(sql, "clinic");
  const outputs = async () => (await checkout.outputs()) as unknown as Outputs;

  it("says how to begin where there is no migrations folder", async () => {
    const result = await checkout.npm("start");
    assert.notEqual(result.exitCode, 0);
    assert.match(all(result), /no migrations folder .*clinic app-.*\/db\/migrations/);
    assert.match(all(result), /mkdir -p/);
  });

  it("first start: every migration is applied, into the schema of the connection", async () => {
    await cp(join(clinic, "db/migrations"), join(folder, "db/migrations"), { recursive: true });
    // As git gives it to somebody on Windows.
    const file = join(folder, "db/migrations/20240101000000_init/migration.sql");
    await writeFile(file, (await readFile(file, "utf8")).replaceAll("\n", "\r\n"));
    const result = await checkout.npm("start");
    assert.equal(result.exitCode, 0, all(result));
    assert.match(all(result), /the Prisma schema is of Prisma 6 or older.*directUrl \(.*main\.prisma:14\)/);
    const { appliedNow, connection, health } = await outputs();
    assert.deepEqual(appliedNow, ["20240101000000_init", "20240215000000_search"]);
    assert.match(connection.url, /^postgresql:\/\/clinic_app@.*\/clinic\?schema=shop$/);
    assert.deepEqual([health["status"], health["Account"], health["Visit"]], ["healthy", 0, 0]);
    assert.deepEqual(
      await rows(
        `SELECT n.nspname AS schema, c.relname AS name, r.rolname AS owner FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
          WHERE c.relkind IN ('r', 'v') AND n.nspname !~ '^(pg_|information_schema)' ORDER BY 1, 2`,
      ),
      [
        { schema: "auth", name: "accounts of the clinic", owner: "clinic_app" },
        { schema: "shop", name: "Tag", owner: "clinic_app" },
        { schema: "shop", name: "_TagToVisit", owner: "clinic_app" },
        { schema: "shop", name: "_prisma_migrations", owner: "clinic_app" },
        { schema: "shop", name: "day totals", owner: "clinic_app" },
        { schema: "shop", name: "select", owner: "clinic_app" },
      ],
    );
  });

  it("a change of its schema becomes a migration in its own folder, and is applied to its data", async () => {
    await rows(
      `INSERT INTO auth."accounts of the clinic" (tenant, number, email, roles)
         VALUES (1, 1, 'Ä@x.de', ARRAY['it''s a carer']::auth."role kinds"[]), (1, 2, 'b@x.de', '{}');
       SET search_path = shop;
       INSERT INTO "select" (account_tenant, account_number, price, notes, day) VALUES (1, 1, 9.90, ARRAY['a;b'], '2024-03-01');
       INSERT INTO "Tag" (label) VALUES ('Zähne');
       INSERT INTO "_TagToVisit" SELECT t.id, v.id FROM "Tag" t, "select" v;`,
    );
    const schema = join(folder, "db/schema/shop.prisma");
    const text = await readFile(schema, "utf8");
    await writeFile(
      schema,
      text.replace("  metadata Json", '  room     String @default("A") @map("the room")\n  metadata Json'),
    );
    const created = await checkout.npm("prisma:migrate:create", ["--name", "add room"]);
    assert.equal(created.exitCode, 0, all(created));
    const made = (await readdir(join(folder, "db/migrations"))).find((name) => name.endsWith("_add_room")) ?? "";
    assert.match(
      await readFile(join(folder, "db/migrations", made, "migration.sql"), "utf8"),
      /ALTER TABLE "select" ADD COLUMN +"the room" TEXT NOT NULL DEFAULT 'A';/,
    );
    const status = await checkout.npm("prisma:migrate:status");
    assert.equal(status.exitCode, 0, all(status));
    assert.match(status.stdout, /1 migration\(s\) pending/);

    const result = await checkout.npm("start");
    assert.equal(result.exitCode, 0, all(result));
    assert.deepEqual((await outputs()).appliedNow, [made]);
    assert.deepEqual(await rows(`SELECT "the room" AS room, search::text FROM shop."select"`), [
      { room: "A", search: "'a':1 'b':2" },
    ]);
  });

  it("refuses a difference made by hand, in either of its schemas", async () => {
    await rows(`ALTER TABLE auth."accounts of the clinic" ADD COLUMN by_hand int`);
    const result = await checkout.npm("db:preflight");
    assert.notEqual(result.exitCode, 0);
    assert.match(all(result), /Added column `by_hand`/);
    await rows(`ALTER TABLE auth."accounts of the clinic" DROP COLUMN by_hand`);
  });

  it("a backup holds all of it, and a restore brings it back", async () => {
    const backup = await checkout.npm("db:backup");
    assert.equal(backup.exitCode, 0, all(backup));
    await rows(`DROP SCHEMA auth CASCADE; DELETE FROM shop."_TagToVisit"`);
    const restore = await checkout.npm("db:restore");
    assert.equal(restore.exitCode, 0, all(restore));
    const verified = await checkout.npm("db:verify");
    assert.equal(verified.exitCode, 0, all(verified));
    assert.deepEqual(
      await rows(`SELECT roles::text, (SELECT total::text FROM shop."day totals"), (SELECT count(*)::int AS n FROM shop."_TagToVisit")
                    FROM auth."accounts of the clinic" WHERE number = 1`),
      [{ roles: `{"it's a carer"}`, total: "9.90", n: 1 }],
    );
  });

  it("finds what points at nothing though no foreign key guards it, with relation and count", async () => {
    await rows(
      `DELETE FROM auth."accounts of the clinic" WHERE number = 1; DELETE FROM shop."Tag";
       UPDATE auth."accounts of the clinic" SET "bossTenant" = 7, "bossNumber" = 7`,
    );
    const result = await checkout.npm("db:verify");
    assert.notEqual(result.exitCode, 0);
    assert.match(
      all(result),
      /shop\.select \(account_tenant, account_number\): 1 row\(s\) point at no row of auth\.accounts/,
    );
    assert.match(all(result), /auth\.accounts of the clinic \(bossTenant, bossNumber\): 1 row\(s\)/);
    assert.match(all(result), /shop\._TagToVisit \(A\): 1 row\(s\) point at no row of shop\.Tag/);
    assert.doesNotMatch(all(result), /_TagToVisit \(B\)/);
  });

  it("says that its client is generated by its own Prisma, which is not installed", async () => {
    const result = await checkout.npm("prisma:generate");
    assert.notEqual(result.exitCode, 0);
    assert.match(all(result), /Prisma 6 or older.*npm install, in .*clinic app-/s);
  });
});
