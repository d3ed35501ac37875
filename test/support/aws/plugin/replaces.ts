import { propertyOf } from "../../../../tools/command-plugin/protocol.js";

/**
 * Properties whose change makes a resource anew, of those that this project sets: what terraform-provider-aws, which
 * `@pulumi/aws` is made of, marks `ForceNew` (`RequiresReplace`). All else is changed in place.
 */
export const replaces: Readonly<Record<string, readonly string[]>> = {
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["name"],
  "aws:cloudwatch/logGroup:LogGroup": ["name"],
  "aws:sns/topic:Topic": ["name", "fifoTopic"],
  "aws:sns/topicPolicy:TopicPolicy": ["arn"],
  "aws:sns/topicSubscription:TopicSubscription": ["topic", "protocol", "endpoint"],
  "aws:s3/bucket:Bucket": ["bucket", "objectLockEnabled"],
  "aws:s3/bucketVersioning:BucketVersioning": ["bucket"],
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ["bucket"],
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ["bucket"],
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ["bucket"],
  "aws:s3/bucketPolicy:BucketPolicy": ["bucket"],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ["bucket"],
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": ["bucket"],
  "aws:ec2/vpc:Vpc": ["cidrBlock"],
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ["vpcId"],
  "aws:ec2/routeTable:RouteTable": ["vpcId"],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": ["subnetId"],
  "aws:ec2/subnet:Subnet": ["vpcId", "cidrBlock", "availabilityZone"],
  "aws:ec2/vpcEndpoint:VpcEndpoint": ["vpcId", "serviceName", "vpcEndpointType"],
  "aws:ec2/securityGroup:SecurityGroup": ["vpcId", "description", "name"],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ["securityGroupId"],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ["securityGroupId"],
  "aws:ec2/instance:Instance": ["ami", "subnetId", "associatePublicIpAddress", "rootBlockDevice.encrypted"],
  "aws:ec2/eip:Eip": ["domain"],
  "aws:ec2/eipAssociation:EipAssociation": ["allocationId", "instanceId"],
  "aws:ebs/volume:Volume": ["availabilityZone", "encrypted"],
  "aws:ec2/volumeAttachment:VolumeAttachment": ["deviceName", "volumeId", "instanceId"],
  "aws:iam/role:Role": ["name"],
  "aws:iam/rolePolicy:RolePolicy": ["name", "role"],
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ["role", "policyArn"],
  "aws:iam/instanceProfile:InstanceProfile": ["name"],
  "aws:secretsmanager/secret:Secret": ["name"],
  "aws:secretsmanager/secretVersion:SecretVersion": ["secretId", "secretString"],
  "aws:rds/subnetGroup:SubnetGroup": ["name"],
  "aws:rds/parameterGroup:ParameterGroup": ["name", "family", "description"],
  "aws:rds/instance:Instance": ["engine", "username", "dbName", "storageEncrypted"],
};

/** The paths among those that differ by which the resource is made anew. */
export function replacing(type: string, paths: Iterable<string>): ReadonlySet<string> {
  const of = replaces[type] ?? [];
  return new Set([...paths].filter((path) => of.includes(propertyOf(path)) || of.includes(path)));
}
