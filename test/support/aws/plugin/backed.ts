import { randomBytes } from "node:crypto";
import * as s3 from "@aws-sdk/client-s3";
import * as secrets from "@aws-sdk/client-secrets-manager";
import * as sns from "@aws-sdk/client-sns";
import type { Properties } from "../model.js";

/** What of a resource really is made, in moto: what the pipeline comes to when it runs. */
export interface Backed {
  /** @returns what takes the place of what the model answers */
  create(inputs: Properties, computed: Properties): Promise<{ id?: string; computed?: Properties }>;
  /** @throws Error where the service refuses */
  remove?(id: string): Promise<void>;
  /** Whether it is still there. @default it is */
  isThere?(id: string): Promise<boolean>;
}

/** @param endpoint of moto, which is also `AWS_ENDPOINT_URL` */
export function backedBy(endpoint: string, region: string, masterPassword: string): Readonly<Record<string, Backed>> {
  const options = { endpoint, region };
  const buckets = new s3.S3Client({ ...options, forcePathStyle: true });
  const vault = new secrets.SecretsManagerClient(options);
  const topics = new sns.SNSClient(options);
  const text = (bag: Properties, name: string) => String(bag[name]);
  const newSecret = async (name: string, value?: string) => {
    const made = await vault.send(new secrets.CreateSecretCommand({ Name: name, SecretString: value }));
    return made.ARN ?? "";
  };
  return {
    "aws:s3/bucket:Bucket": {
      create: async ({ objectLockEnabled }, computed) => {
        await buckets.send(
          new s3.CreateBucketCommand({
            Bucket: text(computed, "bucket"),
            ObjectLockEnabledForBucket: objectLockEnabled === true,
            CreateBucketConfiguration: { LocationConstraint: region as s3.BucketLocationConstraint },
          }),
        );
        return {};
      },
      remove: async (id) => void (await buckets.send(new s3.DeleteBucketCommand({ Bucket: id }))),
      isThere: async (id) => {
        const { Buckets = [] } = await buckets.send(new s3.ListBucketsCommand({}));
        return Buckets.some(({ Name }) => Name === id);
      },
    },
    "aws:s3/bucketVersioning:BucketVersioning": {
      create: async (inputs) => {
        const VersioningConfiguration = { Status: "Enabled" } as const;
        const Bucket = text(inputs, "bucket");
        await buckets.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
        return {};
      },
    },
    "aws:sns/topic:Topic": {
      create: async (_, computed) => {
        const { TopicArn: arn = "" } = await topics.send(new sns.CreateTopicCommand({ Name: text(computed, "name") }));
        return { id: arn, computed: { arn } };
      },
      remove: async (id) => void (await topics.send(new sns.DeleteTopicCommand({ TopicArn: id }))),
    },
    "aws:secretsmanager/secret:Secret": {
      create: async (_, computed) => {
        const arn = await newSecret(text(computed, "name"));
        return { id: arn, computed: { arn } };
      },
      remove: async (id) => void (await vault.send(new secrets.DeleteSecretCommand({ SecretId: id }))),
    },
    "aws:secretsmanager/secretVersion:SecretVersion": {
      create: async (inputs) => {
        const [SecretId, SecretString] = [text(inputs, "secretId"), text(inputs, "secretString")];
        const { VersionId } = await vault.send(new secrets.PutSecretValueCommand({ SecretId, SecretString }));
        return { id: `${SecretId}|${VersionId}` };
      },
    },
    "aws:rds/instance:Instance": {
      create: async ({ username, deletionProtection, manageMasterUserPassword }) => {
        if (manageMasterUserPassword !== true || deletionProtection !== true)
          throw new Error("the stand-in knows an RDS with a managed password and deletion protection only");
        const value = JSON.stringify({ username, password: masterPassword });
        const secretArn = await newSecret(`rds!db-${randomBytes(6).toString("hex")}`, value);
        return { computed: { masterUserSecrets: [{ secretArn, secretStatus: "active" }] } };
      },
    },
  };
}
