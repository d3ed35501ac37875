import assert from "node:assert/strict";
import { LocalPostgres } from "../../components/localPostgres.js";
import { LocalRunner } from "../../components/runner.js";
import { underMocks, valueOf } from "./mocks.js";

const database = {
  host: "127.0.0.1",
  port: 5433,
  name: "shop",
  user: "postgres",
  password: { from: "passfile", path: "/here/pgpass" },
  migrateAs: "shop owner",
};

describe("LocalPostgres", () => {
  const make = async (sample?: { users: number; orders: number }) => {
    const declared = await underMocks({
      "local-start": () => database,
      "local-sample": (request) => request["database"],
    });
    const postgres = new LocalPostgres("postgres", {
      environment: "local",
      directory: "/here",
      database: "shop",
      owner: "shop owner",
      port: 0,
      project: { schema: "/p/schema.prisma", migrations: "/p/migrations" },
      run: "run-1",
      runner: new LocalRunner("/build/pipeline.cjs"),
      ...(sample === undefined ? {} : { sample }),
    });
    return { declared, postgres };
  };

  it("stops the cluster when it is deleted, and removes nothing", async () => {
    const { declared, postgres } = await make();
    assert.deepEqual(await valueOf(postgres.database), database);
    const commands = declared.filter(({ type }) => type === "command:local:Command");
    assert.deepEqual(
      commands.map(({ name, inputs }) => [name, inputs["create"], inputs["delete"]]),
      [["postgres-cluster", "local-start", "local-stop"]],
    );
  });

  it("makes sample data after the cluster is there, and only where asked", async () => {
    const { declared, postgres } = await make({ users: 3, orders: 5 });
    await valueOf(postgres.database);
    const sample = declared.find(({ name }) => name === "postgres-sample");
    const request = JSON.parse(sample?.inputs["stdin"] as string) as Record<string, unknown>;
    assert.deepEqual(request["database"], database);
    assert.deepEqual([request["users"], request["orders"]], [3, 5]);
  });

  it("shows the connection with the application's role and without a password", async () => {
    const { postgres } = await make();
    assert.deepEqual(await valueOf(postgres.connection), {
      url: "postgresql://shop%20owner@127.0.0.1:5433/shop",
      passfile: "/here/pgpass",
    });
  });
});
