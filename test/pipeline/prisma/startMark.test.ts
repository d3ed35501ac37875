import assert from "node:assert/strict";
import type { Database } from "../../../pipeline/contracts.js";
import { testCluster } from "../../support/postgres.js";
import { apply, rows } from "../../support/prismaProjects/apply.js";
import { writeProject } from "../../support/prismaProjects/write.js";

/** What Prisma's engine of this version really sends; a trigger notes the row as it is inserted. */
describe("the row of a migration that is being begun", function () {
  this.timeout(60_000);
  let database: Database;
  before(async () => (database = await (await testCluster()).create("prisma_start", { owner: "app owner" })));
  after(async () => (await testCluster()).drop("prisma_start"));

  it("carries the mark from its first moment on, and none once the migration is applied", async () => {
    const project = await writeProject({ "1_init": "CREATE TABLE a (id int);", "2_more": "CREATE TABLE b (id int);" });
    await project.migration("3_each", "-- no-transaction\nCREATE TABLE c (id int);\nCREATE TABLE d (id int);");
    await apply(database, project, "1_init");
    await rows(
      database,
      `CREATE TABLE noted (name text, logs text);
       CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
         $$ BEGIN INSERT INTO public.noted VALUES (NEW.migration_name, NEW.logs); RETURN NEW; END $$;
       CREATE TRIGGER note BEFORE INSERT ON _prisma_migrations FOR EACH ROW EXECUTE FUNCTION note()`,
    );
    for (const name of ["2_more", "3_each"]) await apply(database, project, name);
    const noted = await rows<{ name: string; logs: string | null }>(database, "SELECT * FROM noted");
    assert.deepEqual(
      noted.map(({ name, logs }) => [name, /^safe-migration: whole or not at all/.test(logs ?? "")]),
      [
        ["2_more", true],
        ["3_each", true],
      ],
    );
    const left = await rows(database, "SELECT FROM _prisma_migrations WHERE logs IS NOT NULL OR finished_at IS NULL");
    assert.equal(left.length, 0);
    await project.remove();
  });
});
