import { propertyOf } from "../../../../tools/command-plugin/protocol.js";

/**
 * Properties whose change makes a resource anew: what terraform-provider-aws, which `@pulumi/aws` is made of, marks `ForceNew`
 * (`RequiresReplace`), of the properties that are of use here. All else is changed in place.
 */
export const replaces: Readonly<Record<string, readonly string[]>> = {
  "aws:kms/key:Key": ["customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"],
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["name"],
  "aws:cloudwatch/logGroup:LogGroup": ["name", "namePrefix", "logGroupClass"],
  "aws:sns/topic:Topic": ["name", "namePrefix", "fifoTopic"],
  "aws:sns/topicPolicy:TopicPolicy": ["arn"],
  "aws:sns/topicSubscription:TopicSubscription": ["topic", "protocol", "endpoint"],
  "aws:s3/bucket:Bucket": ["bucket", "bucketPrefix", "objectLockEnabled"],
  "aws:s3/bucketVersioning:BucketVersioning": ["bucket", "expectedBucketOwner"],
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": [
    "bucket",
    "expectedBucketOwner",
  ],
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ["bucket"],
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ["bucket"],
  "aws:s3/bucketPolicy:BucketPolicy": ["bucket"],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ["bucket", "expectedBucketOwner"],
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": [
    "bucket",
    "expectedBucketOwner",
    "objectLockEnabled",
  ],
  "aws:ec2/vpc:Vpc": ["cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"],
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ["vpcId"],
  // It is detached from one network and attached to another.
  "aws:ec2/internetGateway:InternetGateway": [],
  "aws:ec2/routeTable:RouteTable": ["vpcId"],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": ["gatewayId", "subnetId"],
  "aws:ec2/subnet:Subnet": ["vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "ipv6Native", "outpostArn"],
  "aws:ec2/vpcEndpoint:VpcEndpoint": ["vpcId", "serviceName", "serviceRegion", "vpcEndpointType"],
  "aws:ec2/securityGroup:SecurityGroup": ["vpcId", "description", "name", "namePrefix"],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ["securityGroupId"],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ["securityGroupId"],
  "aws:ec2/instance:Instance": [
    ...[
      "ami",
      "associatePublicIpAddress",
      "availabilityZone",
      "ebsOptimized",
      "hibernation",
      "keyName",
      "placementGroup",
    ],
    ...["privateIp", "rootBlockDevice.encrypted", "rootBlockDevice.kmsKeyId", "subnetId"],
  ],
  "aws:ec2/eip:Eip": ["address", "domain", "ipamPoolId", "networkBorderGroup", "publicIpv4Pool"],
  "aws:ec2/eipAssociation:EipAssociation": [
    ...["allocationId", "allowReassociation", "instanceId", "networkInterfaceId", "privateIpAddress", "publicIp"],
  ],
  "aws:ebs/volume:Volume": [
    ...["availabilityZone", "encrypted", "kmsKeyId", "multiAttachEnabled", "outpostArn", "snapshotId"],
  ],
  "aws:ec2/volumeAttachment:VolumeAttachment": ["deviceName", "volumeId", "instanceId"],
  "aws:iam/role:Role": ["name", "namePrefix", "path"],
  "aws:iam/rolePolicy:RolePolicy": ["name", "namePrefix", "role"],
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ["role", "policyArn"],
  "aws:iam/instanceProfile:InstanceProfile": ["name", "namePrefix", "path"],
  "aws:secretsmanager/secret:Secret": ["name", "namePrefix"],
  "aws:secretsmanager/secretVersion:SecretVersion": [
    "secretId",
    "secretBinary",
    "secretString",
    "secretStringWoVersion",
  ],
  "aws:rds/subnetGroup:SubnetGroup": ["name", "namePrefix"],
  "aws:rds/parameterGroup:ParameterGroup": ["name", "namePrefix", "family", "description"],
  "aws:rds/instance:Instance": [
    ...["availabilityZone", "characterSetName", "customIamInstanceProfile", "dbName", "engine", "kmsKeyId"],
    ...[
      "ncharCharacterSetName",
      "restoreToPointInTime",
      "snapshotIdentifier",
      "storageEncrypted",
      "timezone",
      "username",
    ],
  ],
};

/**
 * Where the lists above were read: files of github.com/hashicorp/terraform-provider-aws below `internal/service/`, each at a commit that
 * could be had of it, of the 4th to the 6th major version; `@pulumi/aws` 7 is made of the 6th. That of the very release that is pinned could
 * not be had. Of `instance.go` of RDS that is an older one, in which another identifier makes another instance; now it does not.
 */
export const readIn: Readonly<Record<string, string>> = {
  "aws:kms/key:Key": "kms/key.go@00a35305dc1b",
  "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch/metric_alarm.go@055611a65473",
  "aws:cloudwatch/logGroup:LogGroup": "logs/group.go@0073593e7d69",
  "aws:sns/topic:Topic": "sns/topic.go@cda04ab9f781",
  "aws:sns/topicPolicy:TopicPolicy": "sns/topic_policy.go@0964ed39dadd",
  "aws:sns/topicSubscription:TopicSubscription": "sns/topic_subscription.go@04a2e6e5bc62",
  "aws:s3/bucket:Bucket": "s3/bucket.go@4c72bcc7dc2f",
  "aws:s3/bucketVersioning:BucketVersioning": "s3/bucket_versioning.go@01c08000ddb1",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    "s3/bucket_server_side_encryption_configuration.go@3ab512181f1f",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "s3/bucket_public_access_block.go@30b8cc6de5e6",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "s3/bucket_ownership_controls.go@adeb84220edf",
  "aws:s3/bucketPolicy:BucketPolicy": "s3/bucket_policy.go@c7cbd9b0a67d",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration":
    "s3/bucket_lifecycle_configuration.go@edd834243020",
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration":
    "s3/bucket_object_lock_configuration.go@01c08000ddb1",
  "aws:ec2/vpc:Vpc": "ec2/vpc_.go@00081ce41cc6",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "ec2/vpc_default_security_group.go@01f431114674",
  "aws:ec2/internetGateway:InternetGateway": "ec2/vpc_internet_gateway.go@08923b68b5ad",
  "aws:ec2/routeTable:RouteTable": "ec2/vpc_route_table.go@022092419b7c",
  "aws:ec2/routeTableAssociation:RouteTableAssociation": "ec2/vpc_route_table_association.go@0be71beb458a",
  "aws:ec2/subnet:Subnet": "ec2/vpc_subnet.go@00cda125a19d",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2/vpc_endpoint.go@008db85aad5e",
  "aws:ec2/securityGroup:SecurityGroup": "ec2/vpc_security_group.go@01606926a0c0",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "ec2/vpc_security_group_ingress_rule.go@00a322094b4b",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":
    "ec2/vpc_security_group_egress_rule.go@050ac11163ca, whose schema is that of the ingress rule",
  "aws:ec2/instance:Instance": "ec2/ec2_instance.go, of the 4th major version",
  "aws:ec2/eip:Eip": "ec2/ec2_eip.go@01606926a0c0",
  "aws:ec2/eipAssociation:EipAssociation": "ec2/ec2_eip_association.go@01c08000ddb1",
  "aws:ebs/volume:Volume": "ec2/ebs_volume.go@0073593e7d69",
  "aws:ec2/volumeAttachment:VolumeAttachment": "ec2/ebs_volume_attachment.go@0620f2a6a126",
  "aws:iam/role:Role": "iam/role.go@0040ea6911af",
  "aws:iam/rolePolicy:RolePolicy": "iam/role_policy.go@02f97af85f89",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "iam/role_policy_attachment.go@04c79849dbe7",
  "aws:iam/instanceProfile:InstanceProfile": "iam/instance_profile.go@013f1736b904",
  "aws:secretsmanager/secret:Secret": "secretsmanager/secret.go@00c21cedec06",
  "aws:secretsmanager/secretVersion:SecretVersion": "secretsmanager/secret_version.go@0042e8ea0de2",
  "aws:rds/subnetGroup:SubnetGroup": "rds/subnet_group.go@01c08000ddb1",
  "aws:rds/parameterGroup:ParameterGroup": "rds/parameter_group.go@01606926a0c0",
  "aws:rds/instance:Instance": "rds/instance.go@00e4b2383885",
};

/** A rule stays what it is as long as it lets in the same kind of thing: from a range to a group, it is made anew. */
const sourcesOfRules = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];

/** The paths among those that differ by which the resource is made anew. */
export function replacing(type: string, paths: Iterable<string>): ReadonlySet<string> {
  const of = replaces[type] ?? [];
  const all = [...paths];
  const sources = /:SecurityGroup(In|E)gressRule$/.test(type)
    ? all.filter((path) => sourcesOfRules.includes(path))
    : [];
  const found = all.filter((path) => of.includes(propertyOf(path)) || of.includes(path));
  return new Set([...found, ...(sources.length > 1 ? sources : [])]);
}
