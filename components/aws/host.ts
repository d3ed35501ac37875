import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { hostKeySecretValue } from "../userData/steps/ssh.js";
import { type Statement, assumedByInstances, policy, readSecrets } from "./policies.js";

/** Debian's account at AWS, which publishes its images (wiki.debian.org/Cloud/AmazonEC2Image). */
const debianOwner = "136693071363";

export interface HostKeys {
  /** Public half of the key that the pipeline logs in with. */
  readonly publicKey: string;
  /** Public half of the host's own key, by which it is known before it exists. */
  readonly hostKey: string;
  /** Private half of the host's own key. Kept in a secret of Secrets Manager, which only the host's role may read. */
  readonly hostPrivateKey: pulumi.Input<string>;
}

export interface HostArgs {
  readonly vpcId: pulumi.Input<string>;
  readonly subnetId: pulumi.Input<string>;
  /** Its processor decides the image. A change stops the host, changes it and starts it again. @example "t4g.small" */
  readonly instanceType: string;
  readonly keys: HostKeys;
  /** Ranges of addresses that SSH is let in from; nothing else is let in at all. */
  readonly sshFrom: readonly string[];
  /** Size of the root disk, encrypted. @default 16 */
  readonly rootGiB?: number;
  /** An image, instead of the newest Debian 13 at the time the host is made. Another one makes another host. */
  readonly imageId?: string;
  /** Has a public address of its own that stays when the host is replaced. Off behind a bastion. @default true */
  readonly publicAddress?: boolean;
  /** What the host's role may do beside reading its host key. */
  readonly statements: pulumi.Input<Statement[]>;
  /** The script it runs at its first boot, made from what is known by then. Holds no secret. */
  readonly userData: (host: { readonly hostKeySecretArn: string; readonly machine: Machine }) => pulumi.Output<string>;
  /** Refuses to delete it. @default false */
  readonly protect?: boolean;
}

export interface Machine {
  readonly memoryMiB: number;
  readonly vcpus: number;
}

/**
 * A host of EC2 with Debian 13: metadata by IMDSv2 only, reached by SSH from named addresses and by Session Manager, with a role
 * that may do what it is told here and no more.
 *
 * A newer image or another script does not touch a host that is there: `pulumi up --replace URN` of its instance makes
 * another one. Its root disk goes with it.
 */
export class Host extends pulumi.ComponentResource {
  /** Where SSH reaches it. */
  readonly address: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;
  readonly availabilityZone: pulumi.Output<string>;
  /** The role that it acts as. */
  readonly roleArn: pulumi.Output<string>;

  constructor(name: string, args: HostArgs, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:Host", name, {}, options);
    const { protect = false, publicAddress = true, imageId } = args;
    const child = { parent: this };
    const tags = { Name: name };

    const hostKey = new aws.secretsmanager.Secret(
      `${name}-host-key`,
      { description: `Private SSH host key of ${name}`, recoveryWindowInDays: 7 },
      child,
    );
    const hostKeyVersion = new aws.secretsmanager.SecretVersion(
      `${name}-host-key`,
      {
        secretId: hostKey.id,
        secretString: pulumi.secret(pulumi.output(args.keys.hostPrivateKey).apply(hostKeySecretValue)),
      },
      child,
    );
    const { group, rules, out } = sshGroup(name, args, child);
    const { profile, role } = instanceProfile(
      name,
      pulumi
        .all([args.statements, hostKey.arn])
        .apply(([statements, arn]) => [...statements, readSecrets("ReadHostKey", [arn])]),
      child,
    );
    const type = aws.ec2.getInstanceTypeOutput({ instanceType: args.instanceType }, child);
    const image =
      imageId === undefined
        ? newestDebian(
            type.supportedArchitectures.apply((all) => all.includes("arm64")),
            child,
          )
        : pulumi.output(imageId);
    const machine = pulumi
      .all([type.memorySize, type.defaultVcpus])
      .apply(([memoryMiB, vcpus]): Machine => ({ memoryMiB, vcpus }));

    const instance = new aws.ec2.Instance(
      `${name}-instance`,
      {
        ami: image,
        instanceType: args.instanceType,
        subnetId: args.subnetId,
        // It fetches what it needs as soon as it boots.
        vpcSecurityGroupIds: [pulumi.all([group.id, out.id]).apply(([id]) => id)],
        iamInstanceProfile: profile.name,
        associatePublicIpAddress: publicAddress,
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: { volumeType: "gp3", volumeSize: args.rootGiB ?? 16, encrypted: true, tags },
        // A host that powers itself off is there again when it is started.
        instanceInitiatedShutdownBehavior: "stop",
        disableApiTermination: protect,
        userData: pulumi
          .all([hostKeyVersion.arn, machine])
          .apply(([hostKeySecretArn, known]) => args.userData({ hostKeySecretArn, machine: known })),
        tags,
      },
      { parent: this, protect, ignoreChanges: imageId === undefined ? ["ami", "userData"] : ["userData"] },
    );
    this.roleArn = role.arn;
    this.instanceId = instance.id;
    this.securityGroupId = group.id;
    this.availabilityZone = instance.availabilityZone;
    const address = publicAddress ? fixedAddress(name, instance, child) : instance.privateIp;
    // Nobody is sent there before SSH is let in.
    this.address = pulumi.all([address, pulumi.all(rules.map(({ id }) => id))]).apply(([known]) => known);
    this.registerOutputs({
      address: this.address,
      instanceId: this.instanceId,
      securityGroupId: this.securityGroupId,
      availabilityZone: this.availabilityZone,
      roleArn: this.roleArn,
    });
  }
}

/** Lets SSH in from named addresses, and everything out. */
function sshGroup(
  name: string,
  args: HostArgs,
  child: pulumi.ResourceOptions,
): {
  group: aws.ec2.SecurityGroup;
  rules: aws.vpc.SecurityGroupIngressRule[];
  out: aws.vpc.SecurityGroupEgressRule;
} {
  const group = new aws.ec2.SecurityGroup(
    `${name}-group`,
    { vpcId: args.vpcId, description: `SSH to ${name} from named addresses`, tags: { Name: name } },
    child,
  );
  const rules = args.sshFrom.map(
    (cidrIpv4) =>
      new aws.vpc.SecurityGroupIngressRule(
        `${name}-ssh-${cidrIpv4}`,
        { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4 },
        child,
      ),
  );
  const out = new aws.vpc.SecurityGroupEgressRule(
    `${name}-out`,
    { securityGroupId: group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" },
    child,
  );
  return { group, rules, out };
}

function instanceProfile(
  name: string,
  statements: pulumi.Output<Statement[]>,
  child: pulumi.ResourceOptions,
): { profile: aws.iam.InstanceProfile; role: aws.iam.Role } {
  const role = new aws.iam.Role(`${name}-role`, { assumeRolePolicy: assumedByInstances }, child);
  const own = new aws.iam.RolePolicy(
    `${name}-policy`,
    { role: role.id, policy: statements.apply((all) => policy(...all)) },
    child,
  );
  const { partition } = aws.getPartitionOutput({}, child);
  const sessions = new aws.iam.RolePolicyAttachment(
    `${name}-session-manager`,
    { role: role.name, policyArn: pulumi.interpolate`arn:${partition}:iam::aws:policy/AmazonSSMManagedInstanceCore` },
    child,
  );
  // The host reads its key at once when it boots: its role must be able to by then.
  const profile = new aws.iam.InstanceProfile(
    `${name}-profile`,
    { role: role.name },
    pulumi.mergeOptions(child, { dependsOn: [own, sessions] }),
  );
  return { profile, role };
}

function newestDebian(arm: pulumi.Output<boolean>, child: pulumi.InvokeOptions): pulumi.Output<string> {
  return aws.ec2.getAmiOutput(
    {
      owners: [debianOwner],
      mostRecent: true,
      filters: [
        { name: "name", values: [pulumi.interpolate`debian-13-${arm.apply((is) => (is ? "arm64" : "amd64"))}-*`] },
        { name: "architecture", values: [arm.apply((is) => (is ? "arm64" : "x86_64"))] },
        { name: "virtualization-type", values: ["hvm"] },
        { name: "root-device-type", values: ["ebs"] },
      ],
    },
    child,
  ).id;
}

/** An address that stays when the instance behind it is another one. */
function fixedAddress(name: string, instance: aws.ec2.Instance, child: pulumi.ResourceOptions): pulumi.Output<string> {
  const address = new aws.ec2.Eip(`${name}-address`, { domain: "vpc", tags: { Name: name } }, child);
  const association = new aws.ec2.EipAssociation(
    `${name}-address`,
    { allocationId: address.id, instanceId: instance.id },
    child,
  );
  return association.publicIp;
}
