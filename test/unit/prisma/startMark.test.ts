import assert from "node:assert/strict";
import type { SqlQuery } from "@prisma/driver-adapter-utils";
import { atomicMark } from "../../../pipeline/prisma/history.js";
import { markStart } from "../../../pipeline/prisma/startMark.js";

const text = { scalarType: "string", arity: "scalar" } as const;
const query = (sql: string, ...args: string[]): SqlQuery => ({ sql, args, argTypes: args.map(() => text) });

describe("the engine's record that it begins a migration", () => {
  it("is written with the mark that nothing was sent yet", () => {
    const sql = `INSERT INTO "public"."_prisma_migrations" ("id","checksum","started_at","migration_name") VALUES ($1,$2,$3,$4)`;
    const marked = markStart(query(sql, "row-1", "c", "now", "1_init"));
    assert.equal(
      marked.sql,
      `INSERT INTO "public"."_prisma_migrations" ("id","checksum","started_at","migration_name","logs") VALUES ($1,$2,$3,$4,$5)`,
    );
    assert.deepEqual(marked.args, ["row-1", "c", "now", "1_init", atomicMark("row-1")]);
    assert.equal(marked.argTypes.length, 5);
  });
  it("is left as it is where it says that a migration is applied, and so is everything else", () => {
    for (const sql of [
      `INSERT INTO "public"."_prisma_migrations" ("id","checksum","finished_at") VALUES ($1,$2,$3)`,
      `UPDATE "public"."_prisma_migrations" SET "logs" = $2 WHERE "id" = $1`,
      `INSERT INTO "orders" ("id") VALUES ($1)`,
    ])
      assert.equal(markStart(query(sql, "a", "b", "c")).sql, sql);
  });
});
