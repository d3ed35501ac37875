import assert from "node:assert/strict";
import { holdsNothing } from "../../../pipeline/rehearsal/fresh.js";

describe("rehearsal: a database that holds nothing", () => {
  const table = (name: string, rows: number, schema = "public") => ({ schema, name, rows, hash: "0", columns: ["id"] });
  const sequence = (called: boolean) => ({
    schema: "public",
    name: "users_id_seq",
    last: "1",
    called,
    increment: "1",
    cycles: false,
  });
  const empty = {
    tables: [table("users", 0), table("_prisma_migrations", 3)],
    largeObjects: { count: 0, hash: "0" },
    sequences: [sequence(false)],
  };
  const holds = (part: Partial<typeof empty>) => holdsNothing({ ...empty, ...part }, { defaultSchema: "public" });

  it("has rows in Prisma's own table at most", () => {
    assert.ok(holds({}));
    assert.ok(holds({ tables: [] }));
    assert.ok(!holds({ tables: [table("users", 1)] }));
    assert.ok(!holds({ tables: [table("_prisma_migrations", 3, "other")] }), "only where Prisma has it");
  });
  it("has no large object, and no sequence that has handed out a number", () => {
    assert.ok(!holds({ largeObjects: { count: 1, hash: "7" } }));
    assert.ok(!holds({ sequences: [sequence(true)] }));
  });
});
