/** IAM policies as plain data: pure, so that what a role may do can be read and tested without AWS. */

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: unknown;
}

/** A policy's text. */
export function policy(...statements: readonly Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Lets EC2 hand a role to its instances. */
export const assumedByInstances = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

/** A prefix in a bucket, and the key that its objects are encrypted with. */
export interface StoreAccess {
  readonly bucketArn: string;
  readonly keyArn: string;
  /** Without `/` at either end. */
  readonly prefix: string;
}

/**
 * What the pipeline does to its store: read, write, list and remove below its prefix. No version of an object is removed by it, and
 * neither versioning, lifecycle nor locks are changed: what a host's role hides can be brought back.
 */
export function storeStatements(access: StoreAccess): Statement[] {
  return [
    ...useFolder("Store", access),
    {
      Sid: "UseStoreKey",
      Effect: "Allow",
      Action: ["kms:GenerateDataKey", "kms:Decrypt"],
      Resource: access.keyArn,
    },
  ];
}

/** Folder of the store's bucket that a host's WAL and base backups are in, beside the store. */
export const archivePrefix = "archive";

/** What archiving does, beside what {@link storeStatements} allow: the same, in its own folder of the bucket. */
export function archiveStatements(access: StoreAccess): Statement[] {
  return useFolder("Archive", { ...access, prefix: archivePrefix });
}

function useFolder(name: string, { bucketArn, prefix }: StoreAccess): Statement[] {
  return [
    {
      Sid: `List${name}`,
      Effect: "Allow",
      Action: ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
      Resource: bucketArn,
      Condition: { StringLike: { "s3:prefix": `${prefix}/*` } },
    },
    {
      Sid: `Use${name}`,
      Effect: "Allow",
      Action: [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
      ],
      Resource: `${bucketArn}/${prefix}/*`,
    },
  ];
}

/**
 * Reads the backups of another environment, for this one to be refreshed from, and changes nothing there: what is below its prefix,
 * and the key that it is encrypted with.
 *
 * @param environment whose backups they are.
 */
export function readStoreStatements(environment: string, { bucketArn, keyArn, prefix }: StoreAccess): Statement[] {
  // IAM takes letters and digits only, and each name once in a policy.
  const of = environment.replace(/[^A-Za-z0-9]/g, "");
  const backups = `${prefix}/${environment}`;
  return [
    {
      Sid: `ListBackupsOf${of}`,
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: bucketArn,
      Condition: { StringLike: { "s3:prefix": [`${backups}/*`] } },
    },
    { Sid: `ReadBackupsOf${of}`, Effect: "Allow", Action: "s3:GetObject", Resource: `${bucketArn}/${backups}/*` },
    { Sid: `ReadKeyOf${of}`, Effect: "Allow", Action: "kms:Decrypt", Resource: keyArn },
  ];
}

/** Reads these secrets and no others. */
export function readSecrets(sid: string, arns: readonly string[]): Statement {
  return { Sid: sid, Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: arns };
}

/** Reads and sets this secret, for a password that is made where it is used. */
export function keepSecret(sid: string, arn: string): Statement {
  return {
    Sid: sid,
    Effect: "Allow",
    Action: ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"],
    Resource: arn,
  };
}

/** Refuses whoever does not come by TLS 1.2 at least. */
export function tlsOnly(bucketArn: string): Statement[] {
  const all = {
    Effect: "Deny" as const,
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, `${bucketArn}/*`],
  };
  return [
    { Sid: "DenyWithoutTls", ...all, Condition: { Bool: { "aws:SecureTransport": "false" } } },
    { Sid: "DenyOldTls", ...all, Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } } },
  ];
}
