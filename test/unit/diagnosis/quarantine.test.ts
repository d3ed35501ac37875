import assert from "node:assert/strict";
import { type Reference, depthOf, planQuarantine } from "../../../pipeline/diagnosis/quarantine.js";

const table = (name: string) => ({ schema: "public", name });
const refers = (from: string, to: string, onDelete: Reference["onDelete"] = "delete"): Reference => ({
  from: table(from),
  columns: [`${to}_id`],
  to: table(to),
  referenced: ["id"],
  onDelete,
  key: ["id"],
});
const plan = (references: readonly Reference[]) =>
  planQuarantine(
    table("orders"),
    (alias) => `${alias}.user_id IS NULL`,
    "they point at nothing",
    references,
    "moved_1",
  );

describe("the plan of a quarantine", () => {
  const tables = (statements: readonly string[] = []) =>
    statements.flatMap((statement) => /^WITH moved AS \(DELETE FROM "public"\."(\w+)"/.exec(statement)?.[1] ?? []);

  it("moves what refers to a row before the row, so that nothing is deleted along with it", () => {
    const step = plan([refers("items", "orders"), refers("notes", "items"), refers("payments", "orders", "keep")]);
    assert.deepEqual(tables(step?.statements), ["notes", "items", "payments", "orders"]);
    const notes = step?.statements.find((statement) => statement.includes('DELETE FROM "public"."notes"'));
    assert.match(
      notes ?? "",
      /"public"\."notes" r WHERE EXISTS \(SELECT FROM "public"\."items" r2 WHERE r\."items_id" = r2\."id" AND EXISTS \(SELECT FROM "public"\."orders" r1 WHERE r2\."orders_id" = r1\."id" AND r1\.user_id IS NULL\)\)/,
    );
    assert.equal(step?.mode, "transaction");
  });

  it("copies what would only lose its reference, and leaves it where it is", () => {
    const step = plan([refers("carts", "orders", "clear")]);
    assert.deepEqual(tables(step?.statements), ["orders"]);
    assert.ok(step?.statements.some((statement) => statement.startsWith("INSERT INTO") && statement.includes("carts")));
    assert.match(
      step?.undo ?? "",
      /UPDATE "public"\."carts" r SET "orders_id" = q\."orders_id" FROM .* WHERE r\."id" = q\."id"/,
    );
  });

  it("takes the tables that refer to others first", () => {
    const references = [refers("items", "orders"), refers("orders", "users"), refers("users", "users")];
    const depths = ["users", "orders", "items"].map((name) => depthOf(table(name), references));
    assert.deepEqual([...depths].sort(), depths);
  });

  it("says in the new table where the rows are from, why, and how they go back", () => {
    const step = plan([]);
    const comment = step?.statements.find((statement) => statement.startsWith("COMMENT"));
    assert.match(comment ?? "", /Rows of public\.orders, moved here by db:repair: they point at nothing\./);
    assert.match(step?.undo ?? "", /^INSERT INTO "public"\."orders" .* SELECT \* FROM "safe_migration_quarantine"/);
  });

  it("is left to a person where tables refer to one another in a circle", () => {
    assert.equal(plan([refers("orders", "orders")]), undefined);
    assert.equal(plan([refers("items", "orders"), refers("orders", "items")]), undefined);
  });
});
