import assert from "node:assert/strict";
import fc from "fast-check";
import { Network } from "../../../components/aws/network.js";
import { splitCidr } from "../../../components/aws/subnets.js";
import { valueOf } from "../mocks.js";
import { recordAws, watched } from "./mocks.js";

describe("splitCidr", () => {
  it("cuts a range into equal parts", () => {
    assert.deepEqual(splitCidr("10.42.0.0/24", 4), [
      "10.42.0.0/26",
      "10.42.0.64/26",
      "10.42.0.128/26",
      "10.42.0.192/26",
    ]);
    assert.deepEqual(splitCidr("172.31.250.7/16", 2), ["172.31.0.0/17", "172.31.128.0/17"]);
  });
  it("gives parts that follow each other and fill the range", () => {
    const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(address, fc.integer({ min: 16, max: 26 }), fc.constantFrom(1, 2, 4), (octets, length, parts) => {
        const blocks = splitCidr(`${octets.join(".")}/${length}`, parts);
        const start = (block: string) =>
          block
            .split("/")[0]
            ?.split(".")
            .reduce((sum, octet) => sum * 256 + Number(octet), 0) ?? NaN;
        const size = 2 ** (32 - length) / parts;
        blocks.forEach((block, at) => assert.equal(start(block), start(blocks[0] ?? "") + at * size));
        assert.equal(start(blocks[0] ?? "") % (size * parts), 0);
      }),
    );
  });
  for (const [cidr, parts] of [
    ["10.0.0.0/27", 4],
    ["10.0.0.0/8", 4],
    ["10.0.0.0/24", 3],
    ["nonsense", 2],
  ] as const)
    it(`refuses ${cidr} in ${parts}`, () => assert.throws(() => splitCidr(cidr, parts)));
});

describe("Network", function () {
  this.timeout(60_000);

  it("keeps databases without a way to the internet, and gives nothing an address by itself", async () => {
    let network: Network | undefined;
    const made = await recordAws(() => (network = new Network("n", { cidr: "10.9.0.0/24" }, watched())));
    const subnets = made.all("aws:ec2/subnet:Subnet");
    assert.deepEqual(
      subnets.map(({ name, inputs }) => [
        name,
        inputs["cidrBlock"],
        inputs["availabilityZone"],
        inputs["mapPublicIpOnLaunch"],
      ]),
      [
        ["n-host-1", "10.9.0.0/26", "eu-west-1a", false],
        ["n-host-2", "10.9.0.64/26", "eu-west-1b", false],
        ["n-database-1", "10.9.0.128/26", "eu-west-1a", false],
        ["n-database-2", "10.9.0.192/26", "eu-west-1b", false],
      ],
    );
    const routes = Object.fromEntries(
      made.all("aws:ec2/routeTable:RouteTable").map(({ name, inputs }) => [name, inputs]),
    );
    assert.equal(routes["n-database-routes"]?.["routes"], undefined);
    assert.equal((routes["n-host-routes"]?.["routes"] as unknown[]).length, 1);
    const group = made.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup").inputs;
    assert.deepEqual([group["ingress"], group["egress"]], [undefined, undefined]);
    assert.equal(made.one("aws:ec2/vpcEndpoint:VpcEndpoint").inputs["serviceName"], "com.amazonaws.eu-west-1.s3");
    assert.ok(network);
    assert.equal((await valueOf(network.databaseSubnetIds)).length, 2);
  });
});
