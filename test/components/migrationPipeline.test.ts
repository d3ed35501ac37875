import assert from "node:assert/strict";
import { LocalRunner } from "../../components/runner.js";
import { MigrationPipeline } from "../../components/migrationPipeline.js";
import { settingsSchema } from "../../pipeline/contracts.js";
import { type Declared, underMocks, valueOf } from "./mocks.js";
import { backup, migrate, preflight, ref, rehearsal, verify } from "./stageResults.js";

/** Proves the graph and what is handed on; that the stages do their work is proved elsewhere. */
describe("MigrationPipeline", () => {
  let declared: Declared[];
  let requests: Record<string, Record<string, unknown>>;

  const make = async (answers: Parameters<typeof underMocks>[0] = {}) => {
    requests = {};
    const recorded = (stage: string, result: object) => (request: Record<string, unknown>) => {
      requests[stage] = request;
      return result;
    };
    declared = await underMocks({
      preflight: recorded("preflight", preflight),
      backup: recorded("backup", backup),
      rehearse: recorded("rehearse", rehearsal),
      migrate: recorded("migrate", migrate),
      verify: recorded("verify", verify),
      ...answers,
    });
    return new MigrationPipeline("pipeline", {
      environment: "local",
      run: "run-1",
      database: { host: "127.0.0.1", port: 5432, name: "shop", user: "postgres", password: { from: "none" } },
      project: { schema: "/p/schema.prisma", migrations: "/p/migrations" },
      store: "file:///store",
      settings: settingsSchema.parse({ backup: {}, preflight: {}, migrate: {} }),
      runner: new LocalRunner("/build/pipeline.cjs"),
    });
  };

  it("declares one Command a stage, in order, and nothing else", async () => {
    const pipeline = await make();
    await valueOf(pipeline.verify);
    assert.deepEqual(
      declared.map(({ type, name }) => `${type} ${name}`),
      [
        "safe-migration:index:MigrationPipeline pipeline",
        "command:local:Command pipeline-preflight",
        "command:local:Command pipeline-backup",
        "command:local:Command pipeline-rehearse",
        "command:local:Command pipeline-migrate",
        "command:local:Command pipeline-verify",
      ],
    );
  });

  it("feeds each stage with the results of those before", async () => {
    const pipeline = await make();
    await valueOf(pipeline.verify);
    assert.equal((requests["backup"]?.["preflight"] as { stage: string }).stage, "preflight");
    assert.deepEqual(requests["rehearse"]?.["backup"], backup);
    assert.deepEqual(requests["migrate"]?.["backup"], backup);
    assert.deepEqual(requests["migrate"]?.["rehearsal"], rehearsal);
    assert.deepEqual(requests["verify"]?.["rehearsal"], rehearsal);
    assert.deepEqual(requests["verify"]?.["backup"], backup);
    assert.deepEqual(requests["verify"]?.["migrate"], migrate);
  });

  it("runs a stage without a shell, its request on standard input, with no triggers and no output in the environment", async () => {
    const pipeline = await make();
    await valueOf(pipeline.verify);
    const commands = declared.filter(({ type }) => type === "command:local:Command");
    assert.equal(commands.length, 5);
    for (const { inputs } of commands) {
      assert.deepEqual(inputs["interpreter"], [process.execPath, "/build/pipeline.cjs", "--log-format", "text"]);
      assert.equal(inputs["triggers"], undefined);
      assert.equal(inputs["delete"], undefined);
      assert.equal(inputs["addPreviousOutputInEnv"], false);
      assert.equal(inputs["logging"], "stderr");
      assert.equal((JSON.parse(inputs["stdin"] as string) as { run: string }).run, "run-1");
    }
  });

  it("gives the results as outputs", async () => {
    const pipeline = await make();
    assert.equal((await valueOf(pipeline.backup)).id, "run-1");
    assert.deepEqual(
      (await valueOf(pipeline.migrate)).applied.map(({ name }) => name),
      [ref.name],
    );
    assert.equal((await valueOf(pipeline.verify)).health.status, "healthy");
  });
});
