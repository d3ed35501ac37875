import assert from "node:assert/strict";
import { loadParser } from "../../../pipeline/prisma/plan.js";
import { planSeries } from "../../../pipeline/risk/rewrite/plan.js";
import { declarationsOf } from "../../../pipeline/rehearsal/declarations.js";

const init = `
CREATE TABLE "user" ("id" INTEGER PRIMARY KEY, "phone" TEXT, "mail" TEXT, "age" INTEGER, "at" TIMESTAMP);
CREATE INDEX "user_phone_idx" ON "user"("phone");
CREATE UNIQUE INDEX "user_mail_key" ON "user"("mail");
CREATE TABLE "audit" ("id" INTEGER);`;

async function steps(sql: string, before = init) {
  const source = (name: string, text: string) => ({ name, path: name, sql: text });
  const planned = await planSeries([source("1", before)], source("2", sql));
  assert.ok(planned);
  return planned.migrations;
}

/** Name of the step that a text stands in, and the whole of its undoing. */
async function where(sql: string, text: string) {
  const all = await steps(sql);
  const at = all.findIndex((step) => step.sql.includes(text));
  return { at, stage: all[at]?.stage, down: all[at]?.down ?? "", all };
}

describe("the safe series: the order of its steps", () => {
  before(() => loadParser());

  const rename = `DROP INDEX "user_phone_idx";\nALTER TABLE "user" DROP COLUMN "phone", ADD COLUMN "mobile" TEXT;\nCREATE INDEX "user_mobile_idx" ON "user"("mobile");`;

  it("an index goes when the one that takes its place is there, and before its column", async () => {
    const made = await where(rename, `"user_mobile_idx" ON`);
    const gone = await where(rename, `DROP INDEX "user_phone_idx"`);
    assert.equal(gone.stage, "contract");
    assert.ok(made.at >= 0 && made.at < gone.at, made.all.map(({ name }) => name).join());
    const { sql = "", down = "" } = gone.all[gone.at] ?? {};
    assert.ok(sql.indexOf("DROP INDEX") < sql.indexOf(`DROP COLUMN "phone"`), sql);
    assert.ok(
      down.indexOf(`ADD COLUMN "phone"`) < down.indexOf(`CREATE INDEX "user_phone_idx" ON "user" ("phone")`),
      down,
    );
  });

  it("an index over an expression is built without keeping writers waiting", async () => {
    const [step, ...more] = await steps(`CREATE INDEX "i" ON "user"(lower("mail"));`);
    assert.match(step?.sql ?? "", /^CREATE INDEX CONCURRENTLY "i"/m);
    assert.deepEqual(more, []);
  });

  it("also where it is only replaced", async () => {
    const sql = `DROP INDEX "user_phone_idx"; CREATE INDEX "user_phone_age_idx" ON "user"("phone", "age");`;
    assert.deepEqual(
      (await steps(sql)).map(({ stage }) => stage),
      ["expand", "contract"],
    );
  });

  it("but stands where it stood where its name is taken again, where it kept values out, and where its column goes", async () => {
    for (const [sql, drop] of [
      [
        `DROP INDEX "user_phone_idx"; CREATE INDEX "user_phone_idx" ON "user"("phone", "age");`,
        `DROP INDEX "user_phone_idx"`,
      ],
      [`DROP INDEX "user_mail_key"; CREATE INDEX "i" ON "user"("mail");`, `DROP INDEX "user_mail_key"`],
      [
        `DROP INDEX "user_phone_idx"; ALTER TABLE "user" DROP COLUMN "phone"; CREATE INDEX "i" ON "user"("mail");`,
        `DROP INDEX "user_phone_idx"`,
      ],
    ] as const) {
      const found = await where(sql, drop);
      assert.equal(found.stage, "expand", sql);
      assert.equal(found.at, 0, sql);
    }
  });

  it("a unique one goes late where its successor is unique as well", async () => {
    const sql = `DROP INDEX "user_mail_key"; ALTER TABLE "user" DROP COLUMN "mail", ADD COLUMN "email" TEXT; CREATE UNIQUE INDEX "user_email_key" ON "user"("email");`;
    const columns = `${init.replace('"phone" TEXT, ', '"phone" INTEGER, ')}`;
    const all = await steps(sql, columns);
    assert.equal(all.find((step) => step.sql.includes(`DROP INDEX "user_mail_key"`))?.stage, "contract");
  });
});

describe("the safe series: triggers that its backfill fires", () => {
  before(() => loadParser());

  const body = (statements: string, language = "plpgsql") =>
    `${init} CREATE FUNCTION f() RETURNS TRIGGER LANGUAGE ${language} AS $$ BEGIN ${statements} RETURN NEW; END $$;`;
  const fires = `CREATE TRIGGER t BEFORE UPDATE ON "user" FOR EACH ROW EXECUTE FUNCTION f();`;
  const change = `ALTER TABLE "user" ALTER COLUMN "age" TYPE BIGINT;`;
  const declared = async (before: string) => {
    const step = (await steps(change, before)).find(({ stage }) => stage === "backfill");
    assert.ok(step);
    return declarationsOf(step.sql).map(({ effect, text }) => `${effect} ${text}`);
  };
  const own = `changes "user"."age_new"`;

  for (const [what, before, expected] of [
    ["none", init, []],
    ["one that sets a column", body(`NEW."at" := now();`) + fires, [`changes "user"."at"`]],
    [
      "one that compares a column, and sets another",
      body(`IF NEW.mail = 'a' THEN NEW.at = now(); END IF;`) + fires,
      [`changes "user"."at"`],
    ],
    [
      "one that writes elsewhere",
      body(`INSERT INTO "audit" VALUES (1); UPDATE public."audit" SET id = 2; DELETE FROM "audit";`) + fires,
      [`changes public."audit".*`, `deletes "audit"`],
    ],
    [
      "one that runs what it puts together",
      body(`EXECUTE 'DELETE FROM ' || TG_TABLE_NAME;`) + fires,
      [`changes "user".*`],
    ],
    ["one in another language", body("x", "plpython3u") + fires, [`changes "user".*`]],
    [
      "one of a function that the history does not show",
      `${init} CREATE TRIGGER t BEFORE UPDATE ON "user" FOR EACH ROW EXECUTE FUNCTION moddatetime("at");`,
      [`changes "user".*`],
    ],
    ["one of other columns", body(`NEW."at" := now();`) + fires.replace("UPDATE ON", `UPDATE OF "mail" ON`), []],
    ["one of other events", body(`NEW."at" := now();`) + fires.replace("UPDATE", "INSERT"), []],
    ["one that was dropped", `${body(`NEW."at" := now();`)}${fires} DROP TRIGGER t ON "user";`, []],
  ] as const) {
    it(what, async () => assert.deepEqual(await declared(before), [...expected, own]));
  }
});
