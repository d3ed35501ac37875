import assert from "node:assert/strict";
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "../../../pipeline/process.js";

const scripts = resolve(__dirname, "../../../scripts");

describe("the seed's scripts", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "safe-migration-scripts-"));
    // Stands in for npm: notes what it was asked, and fails where it is told to.
    const npm = '#!/bin/sh\necho "${NODE_ENV-unset} $*" >> "$CALLS"\ncase "$*" in "run $FAIL"*) exit 4 ;; esac\n';
    await writeFile(join(folder, "npm"), npm);
    await chmod(join(folder, "npm"), 0o755);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function call(script: string, args: string[], { fail = "nothing", environment = "", from = scripts } = {}) {
    const calls = join(folder, "calls");
    await writeFile(calls, "");
    const env = { PATH: `${folder}:${process.env.PATH ?? ""}`, CALLS: calls, FAIL: fail, NODE_ENV: environment };
    const result = await run("bash", [join(from, script), ...args], { cwd: "/", env });
    return {
      ...result,
      calls: (await readFile(calls, "utf8"))
        .trim()
        .split("\n")
        .filter((line) => line !== ""),
    };
  }

  it("runs backup, status, deploy behind that backup, verify", async () => {
    const { exitCode, stdout, calls } = await call("safe-migration.sh", []);
    assert.equal(exitCode, 0);
    assert.deepEqual(calls, [
      "unset run db:backup",
      "unset run prisma:migrate:status",
      "unset run prisma:migrate:deploy -- --backup newest",
      "unset run db:verify",
    ]);
    assert.match(stdout, /🎉 Migración completada exitosamente!/);
  });

  for (const [argument, environment, expected] of [
    ["prod", "", "production"],
    ["production", "", "production"],
    ["staging", "production", "staging"],
    ["dev", "", "development"],
    [undefined, "staging", "staging"],
    ["local", "production", "unset"],
    [undefined, "test", "unset"],
  ] as const) {
    it(`maps argument ${argument ?? "(none)"}, NODE_ENV ${environment || "(none)"} to NODE_ENV ${expected}`, async () => {
      const { calls } = await call("safe-migration.sh", argument === undefined ? [] : [argument], { environment });
      assert.equal(calls.length, 4);
      for (const line of calls) assert.equal(line.split(" ")[0], expected);
    });
  }

  for (const [fail, step, done] of [
    ["db:backup", "backup", 1],
    ["prisma:migrate:status", "validación", 2],
    ["prisma:migrate:deploy", "migración", 3],
    ["db:verify", "verificación", 4],
  ] as const) {
    it(`stops where ${fail} fails, and says so with the state and the next command`, async () => {
      const { exitCode, stdout, stderr, calls } = await call("safe-migration.sh", ["staging"], { fail });
      assert.equal(exitCode, 4);
      assert.equal(calls.length, done);
      assert.match(stderr, new RegExp(`Se detuvo en el paso: ${step} \\(código 4\\)`));
      assert.match(stderr, /Estado: .+/);
      assert.match(stderr, /Siguiente: .*scripts\/(safe|rollback)-migration\.sh staging/);
      assert.doesNotMatch(stdout, /🎉/);
    });
  }

  it("rolls back to the newest backup, or to the one that is named", async () => {
    const { calls, stdout } = await call("rollback-migration.sh", []);
    assert.deepEqual(calls, ["unset run db:restore -- --backup newest", "unset run db:verify"]);
    assert.match(stdout, /🎉 Rollback completado exitosamente!/);
    const named = await call("rollback-migration.sh", ["prod", "20250101-abc"]);
    assert.equal(named.calls[0], "production run db:restore -- --backup 20250101-abc");
  });

  it("takes migrations back instead where it is told to, and says what is not known", async () => {
    const { calls } = await call("rollback-migration.sh", ["staging", "--down", "2"]);
    assert.deepEqual(calls, ["staging run db:rollback -- --steps 2", "staging run prisma:migrate:status"]);
    const { calls: here } = await call("rollback-migration.sh", ["--down"], { environment: "production" });
    assert.equal(here[0], "production run db:rollback -- --steps 1");
    const failed = await call("rollback-migration.sh", ["--down"], { fail: "db:rollback" });
    assert.match(failed.stderr, /Se detuvo en el paso: deshacer migraciones \(código 4\)/);
    const unknown = await call("rollback-migration.sh", ["local", "--dwon"]);
    assert.deepEqual([unknown.exitCode, unknown.calls], [2, []]);
  });

  it("hands the confirmation on, and refuses what is too much", async () => {
    const { calls } = await call("rollback-migration.sh", ["prod", "20250101-abc", "--yes", "prod"]);
    assert.equal(calls[0], "production run db:restore -- --backup 20250101-abc --yes prod");
    const { calls: down } = await call("rollback-migration.sh", ["prod", "--down", "--yes", "prod"]);
    assert.equal(down[0], "production run db:rollback -- --steps 1 --yes prod");
    for (const args of [
      ["prod", "a", "b"],
      ["--down", "1", "2"],
    ])
      assert.equal((await call("rollback-migration.sh", args)).exitCode, 2);
    assert.deepEqual((await call("safe-migration.sh", ["prod", "now"])).calls, []);
  });

  it("says how it is used, and does nothing", async () => {
    for (const script of ["safe-migration.sh", "rollback-migration.sh"]) {
      const { exitCode, stdout, calls } = await call(script, ["--help"]);
      assert.deepEqual([exitCode, calls], [0, []]);
      assert.match(stdout, new RegExp(`\\nUso: scripts/${script} \\[local`));
      assert.doesNotMatch(stdout, /set -E|#/);
    }
  });

  it("takes a stack of one's own, which has a file of settings as the others have", async () => {
    const own = join(folder, "checkout");
    await cp(scripts, join(own, "scripts"), { recursive: true });
    await writeFile(join(own, "Pulumi.shop.yaml"), "config: {}\n");
    const { calls } = await call("safe-migration.sh", ["shop"], { from: join(own, "scripts") });
    assert.deepEqual(
      calls.map((line) => line.split(" ")[0]),
      ["shop", "shop", "shop", "shop"],
    );
    const { exitCode, stderr } = await call("safe-migration.sh", ["prod"], { from: join(own, "scripts") });
    assert.equal(exitCode, 2);
    assert.match(stderr, /Entorno desconocido: prod\. Los que hay: local shop\./);
  });

  it("refuses an environment that it does not know, and touches nothing", async () => {
    const { exitCode, stderr, calls } = await call("safe-migration.sh", ["prodd"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /Entorno desconocido: prodd/);
    assert.deepEqual(calls, []);
  });
});
