import assert from "node:assert/strict";
import { aimed, environmentOf, npmRun } from "../../pipeline/npmRun.js";

describe("the environment of a command line", () => {
  it("is that which NODE_ENV names, by the plan's words or by the stack's own name; never local for a word that is mistyped", () => {
    for (const [word, environment] of [
      [undefined, "local"],
      ["", "local"],
      ["test", "local"],
      ["local", "local"],
      ["development", "dev"],
      ["staging", "staging"],
      ["production", "prod"],
      ["prod", "prod"],
      ["shop", "shop"],
      ["prodution", "prodution"],
    ] as const)
      assert.equal(environmentOf(word), environment, word);
  });

  it("is in what a person is told to run next, for stacks of their own too", () => {
    assert.equal(npmRun("local", "db:restore", "--backup", "ID"), "npm run db:restore -- --backup ID");
    assert.equal(
      npmRun("prod", "db:restore", "--backup", "ID"),
      "NODE_ENV=production npm run db:restore -- --backup ID",
    );
    assert.equal(npmRun("shop", "db:restore", "--backup", "ID"), "npm run db:restore -- --stack shop --backup ID");
    assert.equal(npmRun("shop", "db:verdict"), "npm run db:verdict -- --stack shop");
  });

  it("is added to commands of a text that knows nothing of environments", () => {
    const text =
      "List them (npm run db:restore -- --list), make one (npm run db:backup), then npm run prisma:migrate:deploy. New: npm run prisma:migrate:create -- --name N, npm run up -- --stack dev.";
    assert.equal(aimed("local", text), text);
    assert.equal(
      aimed("staging", text),
      "List them (NODE_ENV=staging npm run db:restore -- --list), make one (NODE_ENV=staging npm run db:backup), then NODE_ENV=staging npm run prisma:migrate:deploy. New: npm run prisma:migrate:create -- --name N, npm run up -- --stack dev.",
    );
    assert.equal(
      aimed("shop", text),
      "List them (npm run db:restore -- --stack shop --list), make one (npm run db:backup -- --stack shop), then npm run prisma:migrate:deploy -- --stack shop. New: npm run prisma:migrate:create -- --name N, npm run up -- --stack dev.",
    );
  });

  it("is left where a command line has one", () => {
    for (const environment of ["prod", "shop"])
      for (const script of ["db:restore", "recover", "health:check", "db"]) {
        const line = npmRun(environment, script, "--json");
        assert.equal(aimed(environment, `Run: ${line}`), `Run: ${line}`);
        assert.equal(aimed("other", line), line);
      }
  });
});
