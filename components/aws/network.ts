import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { splitCidr } from "./subnets.js";

export interface NetworkArgs {
  /** Addresses of the network. Another range is another network: everything in it is made anew. @default "10.42.0.0/24" */
  readonly cidr?: string;
}

/** A network as the other components need it; one that is there already can be given in this form. */
export interface NetworkPlace {
  readonly vpcId: pulumi.Input<string>;
  /** Subnets of hosts, which reach the internet for packages and AWS's services. */
  readonly hostSubnetIds: pulumi.Input<pulumi.Input<string>[]>;
  /** Subnets of databases, in two zones at least. */
  readonly databaseSubnetIds: pulumi.Input<pulumi.Input<string>[]>;
}

/** Zones that subnets are made in: what RDS asks for at least. */
const zones = 2;

/**
 * A small network in two zones: subnets for hosts with a way to the internet, and subnets for databases with none, from which nothing
 * but the network itself and S3 is reached. There is no NAT gateway (some 35 USD a month): hosts have addresses of their own,
 * and let SSH in from named addresses only.
 *
 * Costs nothing by itself.
 *
 * @example
 * const network = new Network("shop", { cidr: "10.50.0.0/24" });
 */
export class Network extends pulumi.ComponentResource implements NetworkPlace {
  readonly vpcId: pulumi.Output<string>;
  readonly hostSubnetIds: pulumi.Output<string[]>;
  readonly databaseSubnetIds: pulumi.Output<string[]>;

  constructor(name: string, { cidr = "10.42.0.0/24" }: NetworkArgs = {}, options?: pulumi.ComponentResourceOptions) {
    super("safe-migration:aws:Network", name, {}, options);
    const child = { parent: this };
    const tags = { Name: name };
    const vpc = new aws.ec2.Vpc(
      `${name}-vpc`,
      { cidrBlock: cidr, enableDnsSupport: true, enableDnsHostnames: true, tags },
      child,
    );
    // Without rules: what is given no group of its own reaches nothing and is reached by nobody.
    new aws.ec2.DefaultSecurityGroup(`${name}-default-group`, { vpcId: vpc.id, tags }, child);
    const gateway = new aws.ec2.InternetGateway(`${name}-gateway`, { vpcId: vpc.id, tags }, child);
    const hostRoutes = new aws.ec2.RouteTable(
      `${name}-host-routes`,
      { vpcId: vpc.id, routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: gateway.id }], tags },
      child,
    );
    const databaseRoutes = new aws.ec2.RouteTable(`${name}-database-routes`, { vpcId: vpc.id, tags }, child);
    const available = aws.getAvailabilityZonesOutput(
      // Local zones and those that one has to opt in to have not everything.
      { state: "available", filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
      child,
    );
    const blocks = splitCidr(cidr, zones * 2);
    const subnet = (kind: string, at: number, block: string | undefined, routes: aws.ec2.RouteTable) => {
      const made = new aws.ec2.Subnet(
        `${name}-${kind}-${at + 1}`,
        {
          vpcId: vpc.id,
          cidrBlock: block,
          availabilityZone: available.names.apply((names) => names[at] ?? ""),
          mapPublicIpOnLaunch: false,
          tags: { Name: `${name}-${kind}-${at + 1}` },
        },
        // A zone that is not available for a while must not move the subnet, and with it the host and its data volume.
        { ...child, ignoreChanges: ["availabilityZone"] },
      );
      const association = new aws.ec2.RouteTableAssociation(
        `${name}-${kind}-${at + 1}`,
        { subnetId: made.id, routeTableId: routes.id },
        child,
      );
      // Known once it has its routes: a host that boots before has no way to its packages.
      return pulumi.all([made.id, association.id]).apply(([id]) => id);
    };
    const each = Array.from({ length: zones }, (_, at) => at);
    const hosts = each.map((at) => subnet("host", at, blocks[at], hostRoutes));
    const databases = each.map((at) => subnet("database", at, blocks[zones + at], databaseRoutes));
    // Backups go to S3 without crossing the internet, at no charge.
    new aws.ec2.VpcEndpoint(
      `${name}-s3`,
      {
        vpcId: vpc.id,
        serviceName: pulumi.interpolate`com.amazonaws.${vpc.region}.s3`,
        vpcEndpointType: "Gateway",
        routeTableIds: [hostRoutes.id, databaseRoutes.id],
        tags,
      },
      child,
    );
    this.vpcId = vpc.id;
    this.hostSubnetIds = pulumi.all(hosts);
    this.databaseSubnetIds = pulumi.all(databases);
    this.registerOutputs({
      vpcId: this.vpcId,
      hostSubnetIds: this.hostSubnetIds,
      databaseSubnetIds: this.databaseSubnetIds,
    });
  }
}
