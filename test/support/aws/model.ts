/**
 * A stand-in for AWS's control plane, as far as this project asks it: what AWS adds to the inputs of each resource, and what
 * it answers, to Pulumi's mocks and to the engine (`plugin/`) alike. Nothing is made by it, and it knows none of AWS's rules:
 * that AWS takes these inputs is not proved by it. A resource or call that is not here is refused, so that nothing new goes
 * unnoticed.
 */

export type Properties = Readonly<Record<string, unknown>>;

const account = "123456789012";
const region = "eu-west-1";
const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;

/** A number of hexadecimal digits that a name always gives. */
function digits(name: string, length: number): string {
  let value = 7n;
  for (const char of name) value = (value * 1_099_511_628_211n + BigInt(char.codePointAt(0) ?? 0)) % 2n ** 68n;
  return value.toString(16).padStart(17, "0").slice(-length);
}

interface Computed {
  readonly id: string;
  readonly outputs?: Properties;
}

type Compute = (name: string, inputs: Properties) => Computed;

const plain: Compute = (name) => ({ id: name });
const numbered =
  (prefix: string, outputs: (id: string, inputs: Properties) => Properties = () => ({})): Compute =>
  (name, inputs) => {
    const id = `${prefix}-${digits(name, 17)}`;
    return { id, outputs: outputs(id, inputs) };
  };

/** Every resource that is known, by its type. */
export const resources: Readonly<Record<string, Compute>> = {
  "aws:kms/key:Key": (name) => ({ id: digits(name, 16), outputs: { arn: arn("kms", `key/${digits(name, 16)}`) } }),
  "aws:cloudwatch/metricAlarm:MetricAlarm": (_, { name }) => ({ id: String(name), outputs: { name } }),
  "aws:cloudwatch/logGroup:LogGroup": (_, { name }) => ({
    id: String(name),
    outputs: { arn: arn("logs", `log-group:${String(name)}`) },
  }),
  "aws:sns/topic:Topic": (name) => ({ id: arn("sns", name), outputs: { arn: arn("sns", name) } }),
  "aws:sns/topicPolicy:TopicPolicy": plain,
  "aws:sns/topicSubscription:TopicSubscription": plain,
  "aws:s3/bucket:Bucket": (name, inputs) => {
    const bucket = typeof inputs["bucket"] === "string" ? inputs["bucket"] : `${name}-${digits(name, 7)}`;
    return { id: bucket, outputs: { bucket, arn: `arn:aws:s3:::${bucket}`, region } };
  },
  "aws:s3/bucketVersioning:BucketVersioning": plain,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": plain,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": plain,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": plain,
  "aws:s3/bucketPolicy:BucketPolicy": plain,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": plain,
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": plain,
  "aws:ec2/vpc:Vpc": numbered("vpc", () => ({ region })),
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": numbered("sg"),
  "aws:ec2/internetGateway:InternetGateway": numbered("igw"),
  "aws:ec2/routeTable:RouteTable": numbered("rtb"),
  "aws:ec2/routeTableAssociation:RouteTableAssociation": numbered("rtbassoc"),
  "aws:ec2/subnet:Subnet": numbered("subnet"),
  "aws:ec2/vpcEndpoint:VpcEndpoint": numbered("vpce"),
  "aws:ec2/securityGroup:SecurityGroup": numbered("sg"),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": numbered("sgr"),
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": numbered("sgr"),
  "aws:ec2/instance:Instance": numbered("i", () => ({ privateIp: "10.42.0.10", availabilityZone: `${region}a` })),
  "aws:ec2/eip:Eip": numbered("eipalloc"),
  "aws:ec2/eipAssociation:EipAssociation": numbered("eipassoc", () => ({ publicIp: "203.0.113.10" })),
  "aws:ebs/volume:Volume": numbered("vol"),
  "aws:ec2/volumeAttachment:VolumeAttachment": numbered("vai"),
  "aws:iam/role:Role": (name) => ({ id: name, outputs: { name, arn: `arn:aws:iam::${account}:role/${name}` } }),
  "aws:iam/rolePolicy:RolePolicy": plain,
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": plain,
  "aws:iam/instanceProfile:InstanceProfile": (name) => ({ id: name, outputs: { name } }),
  "aws:secretsmanager/secret:Secret": (name) => {
    const made = arn("secretsmanager", `secret:${name}-${digits(name, 6)}`);
    return { id: made, outputs: { arn: made } };
  },
  "aws:secretsmanager/secretVersion:SecretVersion": (_, inputs) => ({
    id: `${String(inputs["secretId"])}|1`,
    outputs: { arn: inputs["secretId"] },
  }),
  "aws:rds/subnetGroup:SubnetGroup": (name) => ({ id: name, outputs: { name, arn: arn("rds", `subgrp:${name}`) } }),
  "aws:rds/parameterGroup:ParameterGroup": (name) => ({ id: name, outputs: { name, arn: arn("rds", `pg:${name}`) } }),
  "aws:rds/instance:Instance": (name) => ({
    id: `db-${digits(name, 12)}`,
    outputs: {
      identifier: name,
      arn: arn("rds", `db:${name}`),
      address: `${name}.abc.${region}.rds.amazonaws.com`,
      port: 5432,
      masterUserSecrets: [
        {
          kmsKeyId: arn("kms", "alias/aws/secretsmanager"),
          secretArn: arn("secretsmanager", `secret:rds!db-${digits(name, 6)}`),
          secretStatus: "active",
        },
      ],
    },
  }),
};

/** Every question that is answered. */
export const functions: Readonly<Record<string, (args: Properties) => Properties>> = {
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    id: region,
    names: ["a", "b", "c"].map((zone) => `${region}${zone}`),
  }),
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ id: account, accountId: account }),
  "aws:index/getPartition:getPartition": () => ({ id: "aws", partition: "aws" }),
  "aws:index/getRegion:getRegion": () => ({ id: region, region }),
  "aws:ec2/getSubnet:getSubnet": ({ id }) => ({ id, availabilityZone: `${region}a` }),
  "aws:ec2/getAmi:getAmi": ({ filters }) => ({ id: `ami-${digits(JSON.stringify(filters), 17)}`, filters }),
  "aws:ec2/getInstanceType:getInstanceType": ({ instanceType }) => ({
    id: instanceType,
    memorySize: 2_048,
    defaultVcpus: 2,
    supportedArchitectures: [/^[a-z]+\d+g[a-z]*\./.test(String(instanceType)) ? "arm64" : "x86_64"],
  }),
};

/** What AWS adds to a resource. @throws Error for one that is not known. */
export function computedOf(type: string, name: string, inputs: Properties): { id: string; computed: Properties } {
  const compute = resources[type];
  if (compute === undefined) throw new Error(`the stand-in for AWS knows no ${type}`);
  const { id, outputs = {} } = compute(name, inputs);
  return { id, computed: outputs };
}

/** A resource as it is then: its inputs, and what AWS adds. @throws Error for one that is not known. */
export function computeResource(type: string, name: string, inputs: Properties): { id: string; outputs: Properties } {
  const { id, computed } = computedOf(type, name, inputs);
  return { id, outputs: { ...inputs, ...computed } };
}

/** @throws Error for a question that is not known. */
export function computeCall(token: string, args: Properties): Properties {
  const answer = functions[token];
  if (answer === undefined) throw new Error(`the stand-in for AWS cannot answer ${token}`);
  return answer(args);
}
