import assert from "node:assert/strict";
import { instanceRules, measuredRules, putMetricsStatement, rdsRules } from "../../../components/aws/alarmRules.js";
import { Alarms } from "../../../components/aws/alarms.js";
import { parseConfig } from "../../../config.js";
import { recordAws, watched } from "./mocks.js";

const limits = parseConfig("local", {}).alarms;
const topicArn = "arn:aws:sns:eu-west-1:123456789012:notices";

describe("alarms", function () {
  this.timeout(60_000);
  const named = (rules: ReturnType<typeof measuredRules>) => new Map(rules.map((rule) => [rule.name, rule]));

  it("of what a host measures: over the limit, and what it means that nothing is heard", () => {
    const rules = named(measuredRules("prod", limits, ["/srv/data", "/"]));
    const seen = [...rules.values()].map(({ name, metric, statistic, comparison, threshold, missing }) => [
      name,
      metric,
      `${statistic} ${comparison} ${threshold}`,
      missing,
    ]);
    assert.deepEqual(seen, [
      ["backup-age", "ProvedBackupAge", "Maximum GreaterThanThreshold 604800", "breaching"],
      ["database-down", "DatabaseUp", "Minimum LessThanThreshold 1", "breaching"],
      ["failed-migration", "FailedMigrations", "Maximum GreaterThanThreshold 0", "ignore"],
      ["connections", "ConnectionsUsed", "Maximum GreaterThanThreshold 80", "ignore"],
      ["archive-wait", "ArchiveWait", "Maximum GreaterThanThreshold 900", "notBreaching"],
      ["replica-lag", "ReplicaLag", "Maximum GreaterThanThreshold 300", "notBreaching"],
      ["disk-0", "DiskUsed", "Maximum GreaterThanThreshold 85", "ignore"],
      ["disk-1", "DiskUsed", "Maximum GreaterThanThreshold 85", "ignore"],
    ]);
    assert.deepEqual(rules.get("disk-0")?.dimensions, { Path: "/srv/data" });
    for (const { namespace } of rules.values()) assert.equal(namespace, "SafeMigration/prod");
    // A metric comes every five minutes: no period may be shorter.
    for (const { period } of rules.values()) assert.ok(period >= 300);
  });

  it("of what AWS measures of a host and of RDS", () => {
    const [status, cpu] = instanceRules("prod", "i-1", limits);
    assert.deepEqual(
      [status?.namespace, status?.metric, status?.dimensions, status?.missing],
      ["AWS/EC2", "StatusCheckFailed", { InstanceId: "i-1" }, "breaching"],
    );
    assert.deepEqual([cpu?.metric, cpu?.threshold, cpu?.missing], ["CPUUtilization", 90, "ignore"]);
    const [storage, rds] = rdsRules("dev", { instance: "pg", storageBytes: 100 }, limits);
    assert.deepEqual(
      [storage?.metric, storage?.comparison, storage?.threshold, storage?.dimensions, storage?.missing],
      ["FreeStorageSpace", "LessThanThreshold", 15, { DBInstanceIdentifier: "pg" }, "breaching"],
    );
    assert.deepEqual([rds?.namespace, rds?.metric], ["AWS/RDS", "CPUUtilization"]);
  });

  it("look at nothing whose limit is 0", () => {
    const none = Object.fromEntries(Object.keys(limits).map((key) => [key, 0])) as unknown as typeof limits;
    const left = [
      ...measuredRules("prod", none, ["/"]),
      ...instanceRules("prod", "i-1", none),
      ...rdsRules("dev", { instance: "pg", storageBytes: 100 }, none),
    ];
    assert.deepEqual(
      left.map(({ name }) => name),
      ["database-down", "failed-migration", "host-status"],
    );
  });

  it("are made as AWS asks for them, and tell the topic when they are raised and when they are over", async () => {
    const rules = Object.fromEntries(named(measuredRules("prod", limits, ["/"])));
    const made = await recordAws(() => new Alarms("alarms", { environment: "prod", topicArn, rules }, watched()));
    const alarms = made.all("aws:cloudwatch/metricAlarm:MetricAlarm");
    assert.equal(alarms.length, Object.keys(rules).length);
    for (const { inputs } of alarms) {
      assert.deepEqual([inputs["alarmActions"], inputs["okActions"]], [[topicArn], [topicArn]]);
      assert.match(String(inputs["name"]), /^safe-migration-prod-[a-z0-9-]+$/);
    }
    const age = alarms.find(({ inputs }) => inputs["name"] === "safe-migration-prod-backup-age")?.inputs;
    assert.deepEqual(
      [age?.["treatMissingData"], age?.["evaluationPeriods"], age?.["period"], age?.["threshold"]],
      ["breaching", 2, 900, 604_800],
    );
  });

  it("need a role that puts metrics of its own environment, and of no other", () => {
    const { Effect: effect, Action: action, Condition: condition } = putMetricsStatement("prod");
    assert.deepEqual(
      [effect, action, condition],
      ["Allow", "cloudwatch:PutMetricData", { StringEquals: { "cloudwatch:namespace": "SafeMigration/prod" } }],
    );
  });
});
