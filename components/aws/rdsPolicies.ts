import { besidePrefix, copyPrefix, snapshotPrefix, tagKeys } from "../../pipeline/rds/names.js";
import type { Statement } from "./policies.js";

/** What of RDS a role is to work with. */
export interface RdsAccess {
  readonly environment: string;
  /** ARN of the environment's instance. */
  readonly instanceArn: string;
  readonly subnetGroupArn: string;
  /** ARN of the parameter group of copies. */
  readonly parametersArn: string;
  /** DB snapshots are made, and copies for rehearsals. */
  readonly snapshots: boolean;
}

/**
 * What the pipeline does at RDS: it looks, and restores instances beside the environment's own under names of its own; with DB snapshots it makes and
 * deletes those that it made, and deletes its rehearsals' copies. It can neither change nor delete the environment's own instance, nor one
 * that was restored for people, nor the snapshots that RDS makes by itself.
 */
export function rdsStatements(access: RdsAccess): Statement[] {
  const { environment, instanceArn, subnetGroupArn, parametersArn, snapshots } = access;
  const [, partition = "aws", , region = "", account = "", , instance = ""] = instanceArn.split(":");
  const rds = (what: string) => `arn:${partition}:rds:${region}:${account}:${what}`;
  const made = rds(`snapshot:${snapshotPrefix(environment)}*`);
  const copies = rds(`db:${copyPrefix(environment)}*`);
  const beside = rds(`db:${besidePrefix(environment)}*`);
  const restored = snapshots ? [copies, beside] : [beside];
  // Those that RDS has for each version of PostgreSQL.
  const groups = [subnetGroupArn, parametersArn, rds("og:default:postgres-*")];
  const requestTag = { StringEquals: { [`aws:RequestTag/${tagKeys.environment}`]: environment } };
  const ofInstance = { [`aws:ResourceTag/${tagKeys.instance}`]: instance };
  const allow = (
    Sid: string,
    Action: string | string[],
    Resource: string | string[],
    Condition?: unknown,
  ): Statement => ({
    Sid,
    Effect: "Allow",
    Action,
    Resource,
    ...(Condition === undefined ? {} : { Condition }),
  });
  const secrets = `arn:${partition}:secretsmanager:${region}:${account}:secret:rds!db-*`;
  return [
    allow(
      "LookAtRds",
      ["rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:DescribeDBInstanceAutomatedBackups"],
      [rds("db:*"), rds("snapshot:*"), rds("auto-backup:*")],
    ),
    allow("RestoreMoment", "rds:RestoreDBInstanceToPointInTime", [instanceArn, beside, ...groups], requestTag),
    allow("TagRestored", "rds:AddTagsToResource", restored, requestTag),
    // RDS makes the secret of a restored instance's administrator in the name of who restores it.
    allow("MakeRestoredPassword", ["secretsmanager:CreateSecret", "secretsmanager:TagResource"], secrets),
    allow("SeeKeyOfPasswords", "kms:DescribeKey", `arn:${partition}:kms:${region}:${account}:key/*`, {
      "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/aws/secretsmanager" },
    }),
    allow("ReadRestoredPassword", "secretsmanager:GetSecretValue", secrets, {
      StringLike: { "aws:ResourceTag/aws:rds:primaryDBInstanceArn": restored },
    }),
    ...(snapshots
      ? [
          allow("MakeSnapshot", "rds:CreateDBSnapshot", [instanceArn, made], requestTag),
          allow("TagSnapshot", "rds:AddTagsToResource", made),
          allow("RemoveOwnSnapshot", "rds:DeleteDBSnapshot", made, { StringEquals: ofInstance }),
          allow("RestoreSnapshot", "rds:RestoreDBInstanceFromDBSnapshot", [made, ...restored, ...groups], requestTag),
          allow("RemoveCopy", "rds:DeleteDBInstance", copies, {
            StringEquals: { ...ofInstance, [`aws:ResourceTag/${tagKeys.purpose}`]: "rehearsal" },
          }),
        ]
      : []),
  ];
}
