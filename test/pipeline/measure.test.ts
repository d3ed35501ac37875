import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { type Database, type MeasureRequest, measureRequest, measureResult } from "../../pipeline/contracts.js";
import { type Logger, silent } from "../../pipeline/log.js";
import { metricData } from "../../pipeline/measure/cloudWatch.js";
import { withClient } from "../../pipeline/postgres/connection.js";
import { markEnvironment } from "../../pipeline/postgres/identity.js";
import { renderMeasured } from "../../pipeline/report/metrics.js";
import { measure } from "../../pipeline/stages/measure.js";
import { motoOrSkip, motoRegion, withEnvironment } from "../support/moto.js";
import { testCluster } from "../support/postgres.js";

const prisma = resolve(__dirname, "../../prisma");

describe("what a host measures for alarms", function () {
  this.timeout(60_000);
  let database: Database;
  let folder: string;
  const warnings: string[] = [];
  const log: Logger = { ...silent, warn: (message) => void warnings.push(message) };

  before(async () => {
    database = await (await testCluster()).create("measured");
    await withClient(database, { applicationName: "safe-migration test" }, (client) =>
      markEnvironment(client, database.name, "prod"),
    );
    folder = await mkdtemp(join(tmpdir(), "safe-migration-measure-"));
  });
  after(async () => {
    await (await testCluster()).drop("measured");
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => void warnings.splice(0));

  const request = (more: Partial<MeasureRequest> = {}): MeasureRequest =>
    measureRequest.parse({
      environment: "prod",
      run: "run-1",
      database,
      project: { schema: join(prisma, "schema.prisma"), migrations: join(prisma, "migrations") },
      store: `file://${folder}/store`,
      disks: ["/"],
      ...more,
    });
  const measured = (more?: Partial<MeasureRequest>) =>
    measure(request(more), { log, signal: new AbortController().signal });

  it("is the server, the backups and the disks; nothing proved is nothing, and not an age of 0", async () => {
    const result = measureResult.parse(await measured());
    assert.deepEqual(warnings, []);
    assert.ok(result.server !== undefined && result.server.connections.used >= 1);
    assert.equal(result.server.connections.of, 200);
    assert.deepEqual(result.server.migrations, { applied: 0, pending: 7, failed: 0 });
    assert.equal(result.server.archiveWaitSeconds, undefined);
    assert.deepEqual(result.backups, { complete: 0, damaged: 0 });
    const root = result.disks["/"];
    assert.ok(root !== undefined && root.used > 0 && root.used < root.of);
    const names = metricData(result).map(({ MetricName }) => MetricName);
    assert.deepEqual(names, ["DatabaseUp", "ConnectionsUsed", "FailedMigrations", "DiskUsed"]);
  });

  it("says that the server is down, or another environment's, and measures the rest", async () => {
    const gone = await measured({ database: { ...database, name: "not_there" } });
    assert.equal(gone.server, undefined);
    assert.match(warnings.join(), /^the server could not be asked: /);
    assert.equal(metricData(gone).find(({ MetricName }) => MetricName === "DatabaseUp")?.Value, 0);
    assert.ok(gone.disks["/"] !== undefined);
    assert.equal((await measured({ environment: "staging" })).server, undefined);
    const missing = await measured({ disks: ["/not/there"] });
    assert.deepEqual(missing.disks, {});
  });

  it("is a file for node_exporter, whole at any time, and the request for the timer, readable by its owner", async () => {
    const [textfile, keepRequest] = [join(folder, "m.prom"), join(folder, "request.json")];
    const result = await measured({ textfile, keepRequest });
    const text = await readFile(textfile, "utf8");
    assert.equal(text, renderMeasured(result));
    assert.match(text, /^safe_migration_database_up\{environment="prod"\} 1$/m);
    assert.match(text, /^safe_migration_proved_backup_age_seconds\{environment="prod"\} \+Inf$/m);
    assert.match(text, /^safe_migration_disk_used_bytes\{environment="prod",path="\/"\} \d+$/m);
    assert.match(text, /\n# EOF\n$/);
    assert.equal((await stat(textfile)).mode & 0o777, 0o644);
    assert.equal((await stat(keepRequest)).mode & 0o777, 0o600);
    const kept: unknown = JSON.parse(await readFile(keepRequest, "utf8"));
    assert.deepEqual(measureRequest.parse(kept), request({ textfile }));
  });

  it("is told where it cannot be written, with what to do", async () => {
    await chmod(folder, 0o755);
    await assert.rejects(measured({ keepRequest: join(folder, "no/request.json") }), {
      code: "MEASURE",
      kind: "failedUnchanged",
    });
  });

  it("gets to CloudWatch, in the environment's own namespace", async function () {
    const moto = await motoOrSkip(this);
    const putBack = withEnvironment({ ...moto.env, AWS_ENDPOINT_URL_CLOUDWATCH: moto.endpoint });
    const client = new CloudWatchClient({ region: motoRegion });
    try {
      const cloudWatch = { namespace: "SafeMigration/prod", region: motoRegion };
      const result = await measured({ cloudWatch });
      const { Metrics: listed = [] } = await client.send(new ListMetricsCommand({ Namespace: cloudWatch.namespace }));
      assert.deepEqual(listed.map(({ MetricName }) => MetricName).sort(), [
        "ConnectionsUsed",
        "DatabaseUp",
        "DiskUsed",
        "FailedMigrations",
      ]);
      const at = Date.parse(result.at);
      const { Datapoints: points = [] } = await client.send(
        new GetMetricStatisticsCommand({
          Namespace: cloudWatch.namespace,
          MetricName: "DiskUsed",
          Dimensions: [{ Name: "Path", Value: "/" }],
          StartTime: new Date(at - 60_000),
          EndTime: new Date(at + 60_000),
          Period: 60,
          Statistics: ["Maximum"],
        }),
      );
      const nowhere = { ...cloudWatch, region: "eu-west-1" };
      process.env["AWS_ENDPOINT_URL_CLOUDWATCH"] = "http://127.0.0.1:1";
      await assert.rejects(measured({ cloudWatch: nowhere }), /ECONNREFUSED/);
      // An update goes on: the timer tries again.
      await measured({ cloudWatch: nowhere, keepRequest: join(folder, "request.json") });
      assert.match(warnings.join(), /^the metrics could not be put: .*ECONNREFUSED/);
      const { used = 0, of = 1 } = result.disks["/"] ?? {};
      assert.ok(Math.abs((points[0]?.Maximum ?? 0) - (100 * used) / of) < 0.01);
    } finally {
      client.destroy();
      putBack();
    }
  });
});
