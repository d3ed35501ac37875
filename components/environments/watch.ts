import * as pulumi from "@pulumi/pulumi";
import { type Database, type MeasureRequest, type Project, measureResult } from "../../pipeline/contracts.js";
import { metricNamespace } from "../../pipeline/measure/cloudWatch.js";
import { type AlarmRule, instanceRules, measuredRules, rdsRules } from "../aws/alarmRules.js";
import { Alarms } from "../aws/alarms.js";
import type { Runner } from "../runner.js";
import { hostPaths } from "../../config/hostPaths.js";
import type { Environment, EnvironmentArgs } from "./environment.js";
import { region } from "./onAws.js";

/** What of an environment on AWS is watched. */
export interface Watched {
  readonly topic: pulumi.Input<string>;
  readonly database: pulumi.Input<Database>;
  readonly project: Project;
  readonly store: pulumi.Input<string>;
  readonly runner: Runner;
  /** The host, which measures; absent where stages run on the machine that runs Pulumi, and nobody does. */
  readonly measuring?: { readonly instance: pulumi.Input<string>; readonly disks: readonly string[] };
  readonly rds?: { readonly instance: pulumi.Input<string>; readonly storageGiB: number };
}

/**
 * What has the host measure, and makes the alarms, once it is given the run that has been verified: after the pipeline, so that
 * there is a backup to measure the age of, and none is raised by a stack that is only being made.
 */
export function watching(args: EnvironmentArgs, watched: Watched): NonNullable<Environment["watch"]> {
  return (run) => watch(args, watched, run);
}

function watch({ name, config }: EnvironmentArgs, watched: Watched, run: pulumi.Output<string>): void {
  const { alarms: limits } = config;
  if (!limits.enabled) return;
  const { measuring: host, rds } = watched;
  const measured = host === undefined ? run : measureOn(name, watched, host.disks, run).apply((result) => result.run);
  const rules: Record<string, pulumi.Input<AlarmRule>> = {};
  const named = (of: (id: string) => AlarmRule[], id: pulumi.Input<string>) => {
    for (const { name: ruleName } of of(""))
      rules[ruleName] = pulumi.output(id).apply((known) => one(of(known), ruleName));
  };
  if (host !== undefined) {
    named(() => measuredRules(name, limits, host.disks), "");
    named((instance) => instanceRules(name, instance, limits), host.instance);
  }
  if (rds !== undefined)
    named((instance) => rdsRules(name, { instance, storageBytes: rds.storageGiB * 2 ** 30 }, limits), rds.instance);
  // Not an input of theirs, which would be unknown in each preview.
  const dependsOn = measured.apply((): pulumi.Resource[] => []);
  new Alarms(`alarms-${name}`, { environment: name, topicArn: watched.topic, rules }, { dependsOn });
}

function one(rules: readonly AlarmRule[], name: string): AlarmRule {
  const found = rules.find((rule) => rule.name === name);
  if (found === undefined) throw new Error(`there is no alarm ${name}`);
  return found;
}

function measureOn(environment: string, watched: Watched, disks: readonly string[], run: pulumi.Output<string>) {
  const { runner, database, project, store } = watched;
  const request: { [key in keyof MeasureRequest]: pulumi.Input<MeasureRequest[key]> } = {
    environment,
    run,
    database,
    project,
    store,
    disks: [...disks],
    cloudWatch: { namespace: metricNamespace(environment), region: region() },
    textfile: hostPaths.metrics,
    keepRequest: hostPaths.measureRequest,
  };
  return runner.stage("measure", { stage: "measure", request }, {}).apply((result) => measureResult.parse(result));
}
