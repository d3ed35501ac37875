import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Config, ConfigError, parseConfig, resolvePaths, runsOn } from "../../config.js";
import { rangesOf } from "../../config/ranges.js";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey";
const connection = {
  from: ["203.0.113.7/32"],
  hostKey: key,
  publicKey: key,
  privateKey: "private",
  hostPrivateKey: { secure: "v1:abc" },
};
const s3 = { kind: "s3" };
const region = { "aws:region": "eu-west-1" };

function mistakes(raw: Record<string, unknown>, stack = "dev"): string {
  try {
    parseConfig(stack, raw);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.join("\n");
  }
  return "";
}

function shipped(stack: string): Record<string, unknown> {
  const text = readFileSync(join(__dirname, `../../Pulumi.${stack}.yaml`), "utf8");
  return (parse(text) as { config: Record<string, unknown> }).config;
}

describe("configuration of the cloud stacks", () => {
  for (const stack of ["dev", "staging", "prod"]) {
    it(`${stack} works once what only its owner knows is set, and says what that is`, () => {
      const missing = mistakes(shipped(stack), stack);
      assert.deepEqual(
        missing.split("\n").map((line) => line.split(":")[0]),
        [
          "aws",
          "connection.hostKey, connection.privateKey, connection.publicKey, connection.hostPrivateKey",
          "connection.from",
        ],
      );
      assert.match(missing, new RegExp(`npm run keys -- --stack ${stack}`));
      assert.equal(mistakes({ ...shipped(stack), ...region, connection }, stack), "");
    });
  }

  it("any environment may choose rds or ec2", () => {
    for (const kind of ["rds", "ec2"]) {
      const config = parseConfig("prod", {
        ...shipped("prod"),
        ...region,
        connection,
        "safe-migration:database": { kind },
      });
      assert.equal(config.database.kind, kind);
      assert.equal(runsOn(config), "host");
    }
  });

  it("runs the pipeline here where the database is public, and on a host otherwise", () => {
    const of = (database: object, more: object = {}): Config =>
      parseConfig("dev", { ...region, database, store: s3, connection, ...more });
    assert.equal(runsOn(of({ kind: "rds" })), "host");
    assert.equal(runsOn(of({ kind: "rds", publicFrom: ["203.0.113.7/32"] })), "here");
    assert.equal(runsOn(of({ kind: "rds" }, { runner: { where: "here" } })), "here");
    assert.equal(runsOn(of({ kind: "ec2" })), "host");
    assert.equal(runsOn(parseConfig("local", {})), "here");
  });

  it("takes e-mail addresses where the stack has a topic to send to them, and refuses them where nobody would be told", () => {
    const topicArn = "arn:aws:sns:eu-west-1:123456789012:central";
    const emails = ["ops@example.com"];
    const of = (notify: object, database: object = { kind: "ec2" }) =>
      mistakes({ ...region, database, store: s3, connection, notify });
    assert.equal(of({ emails }), "");
    assert.match(of({ emails, sns: { topicArn } }), /^notify\.emails: this stack makes no SNS topic of its own/);
    assert.match(mistakes({ notify: { emails } }, "local"), /^notify\.emails: /);
    assert.match(of({ emails: ["ops"] }), /^notify\.emails/);
  });

  it("makes a log group where the stack is on AWS only, which keeps lines as long as CloudWatch Logs can", () => {
    const of = (logs: object) => mistakes({ ...region, database: { kind: "ec2" }, store: s3, connection, logs });
    assert.equal(of({ cloudWatch: true, days: 365 }), "");
    assert.match(of({ cloudWatch: true, days: 100 }), /^logs\.days/);
    assert.match(mistakes({ logs: { cloudWatch: true } }, "local"), /^logs\.cloudWatch: true, but only stacks of kind/);
  });

  it("keeps the server's files instead of a dump where its log is archived, a DB snapshot on RDS, and neither elsewhere", () => {
    const of = (database: object, more: object = {}) =>
      mistakes({ ...region, database, store: s3, connection, backup: { method: "pgbackrest" }, ...more });
    assert.equal(of({ kind: "ec2" }), "");
    assert.equal(of({ kind: "ec2" }, { rehearse: { folder: "/srv/copies" } }), "");
    assert.match(of({ kind: "ec2", recoveryDays: 0 }), /^backup\.method: .* with database\.recoveryDays 0/);
    assert.match(of({ kind: "rds" }), /^backup\.method: .*only on the hosts of kind ec2.*database\.kind is "rds"/);
    const password = { from: "environment", variable: "PGPASSWORD" };
    assert.match(of({ kind: "existing", host: "h", user: "u", password }), /^backup\.method: .*is "existing"/);
    assert.match(mistakes({ backup: { method: "pgbackrest" } }, "local"), /^backup\.method: .*is "local"/);
    const snapshot = { backup: { method: "snapshot" } };
    assert.match(
      of({ kind: "ec2" }, snapshot),
      /^backup\.method: "snapshot", but only RDS .*"ec2"\): set it to pgbackrest/,
    );
    assert.match(mistakes(snapshot, "local"), /^backup\.method: "snapshot", but only RDS .*"local"\): leave it out/);
    assert.equal(of({ kind: "rds" }, { ...snapshot, rehearse: { instanceClass: "db.t4g.small" } }), "");
    assert.match(
      of({ kind: "rds" }, { ...snapshot, rehearse: { folder: "/srv" } }),
      /^rehearse\.folder: .*an instance/,
    );
    const beside = (method: string) => ({ backup: { method, snapshotBefore: "risky" } });
    assert.equal(of({ kind: "rds" }, beside("dump")), "");
    assert.match(of({ kind: "rds" }, beside("snapshot")), /^backup\.snapshotBefore: .*each backup is a DB snapshot/);
    assert.match(of({ kind: "ec2" }, beside("dump")), /^backup\.snapshotBefore: .*only RDS makes DB snapshots/);
    const small = { backup: {}, rehearse: { instanceClass: "db.t4g.small" } };
    assert.match(of({ kind: "rds" }, small), /^rehearse\.instanceClass: .*only with backup\.method snapshot/);
    const copies = { backup: {}, rehearse: { folder: "/srv/copies" } };
    assert.match(of({ kind: "ec2" }, copies), /^rehearse\.folder: "\/srv\/copies", but with backup\.method dump/);
    for (const folder of ["copies", `/${"x".repeat(60)}`, "/a b"])
      assert.match(of({ kind: "ec2" }, { rehearse: { folder } }), /^rehearse\.folder: an absolute path/, folder);
  });

  it("takes a database that is there already, and asks for what it needs to find it", () => {
    const password = { from: "environment", variable: "PGPASSWORD" };
    const database = { kind: "existing", host: "db.example.com", user: "admin", password, tls: { ca: "system" } };
    assert.equal(mistakes({ database }), "");
    assert.match(
      mistakes({ database: { kind: "existing" } }),
      /database\.host.*\n.*database\.user.*\n.*database\.password/,
    );
    const onHost = mistakes({ database, runner: { where: "host" } });
    assert.match(onHost, /connection\.host: not set/);
    assert.match(onHost, /connection\.privateKey: not set; npm run keys -- --stack \w+ makes it$/m);
    assert.match(onHost, /connection\.hostKey: not set; it is what that host has in \/etc\/ssh/);
  });

  it("reports every mistake at once, each with its key and what is allowed", () => {
    const found = mistakes({
      ...region,
      database: { kind: "rsd" },
      store: { kind: "s3", lokDays: 3 },
      network: { cidr: "10.0.0.0/99" },
      connection: { ...connection, from: ["0.0.0.0/0"], hostKey: "nonsense", proxy: { hots: "x" } },
      runner: { instanceTyp: "x" },
    });
    assert.match(found, /^database\.kind: one of local, rds, ec2, existing \(it is "rsd"\)/m);
    assert.match(found, /^store\.lokDays: unknown key, did you mean lockDays\?/m);
    assert.match(found, /^network\.cidr: .*10\.0\.0\.0\/99/m);
    assert.match(found, /^connection\.from\.0: wider than \/16, which names nobody/m);
    assert.match(found, /^connection\.hostKey: a public key.*nonsense/m);
    assert.match(found, /^connection\.proxy\.hots: unknown key, did you mean host\?/m);
    assert.match(found, /^runner\.instanceTyp: unknown key, did you mean instanceType\?/m);
  });

  it("takes no name of a stack that AWS refuses in a bucket's name", () => {
    const good = { ...shipped("dev"), ...region, connection };
    for (const stack of ["Dev", "my_dev", "dev--2", "dev-", "d".repeat(41)])
      assert.match(mistakes(good, stack), /^stack: .* is part of the names of a bucket/, stack);
    for (const stack of ["dev", "dev-2", "d".repeat(40)]) assert.equal(mistakes(good, stack), "");
    assert.equal(mistakes({}, "My_Local"), "");
  });

  it("takes no region whose services have other names than what hosts are told", () => {
    const there = { "aws:region": "cn-north-1", connection };
    assert.match(mistakes({ ...shipped("dev"), ...there }, "dev"), /^aws:region: "cn-north-1", .*amazonaws\.com\.cn/);
    assert.equal(mistakes({ ...shipped("dev"), ...there, "aws:region": "us-gov-west-1" }, "dev"), "");
  });

  it("takes a range by its first address only, as AWS does, and says which that is", () => {
    const found = mistakes({ ...shipped("dev"), ...region, connection: { ...connection, from: ["203.0.113.7/24"] } });
    assert.equal(
      found,
      'connection.from.0: a range is named by its first address: 203.0.113.0/24; or 203.0.113.7/32 for that address alone (it is "203.0.113.7/24")',
    );
    assert.match(
      mistakes({ ...shipped("dev"), ...region, connection, network: { cidr: "10.42.1.0/16" } }),
      /10\.42\.0\.0\/16/,
    );
  });

  it("takes what is named once only: each is a resource of its own", () => {
    const twice = ["203.0.113.7/32", "203.0.113.7/32"];
    const base = { ...region, store: s3, connection, database: { kind: "ec2" } };
    assert.match(mistakes({ ...base, connection: { ...connection, from: twice } }), /^connection\.from: .*twice/);
    assert.match(mistakes({ ...base, database: { kind: "rds", publicFrom: twice } }), /^database\.publicFrom: .*twice/);
    assert.match(mistakes({ ...base, notify: { emails: ["a@b.cc", "a@b.cc"] } }), /^notify\.emails: .*twice/);
  });

  it("knows how a host is reached that the stack makes itself", () => {
    const of = (more: object, kind = "ec2") =>
      mistakes({ ...region, store: s3, database: { kind }, connection: { ...connection, ...more } });
    for (const kind of ["ec2", "rds"]) {
      assert.match(of({ user: "admin" }, kind), /^connection\.user: "admin", .* lets in "pipeline" only/);
      assert.match(of({ host: "db.example.com" }, kind), /^connection\.host: .*knows its address: leave it out/);
    }
    const password = { from: "none" };
    const existing = { kind: "existing", host: "/var/run/postgresql", user: "u", password };
    const there = { ...connection, host: "h", port: 2222, user: "admin" };
    assert.equal(
      mistakes({ ...region, store: s3, database: existing, connection: there, runner: { where: "host" } }),
      "",
    );
  });

  it("gives the application a role and a database of its own", () => {
    const of = (database: object) => mistakes({ ...region, store: s3, connection, database });
    for (const owner of ["postgres", "pipeline", "pg_app", "rds_superuser", "rdsadmin"])
      for (const kind of ["ec2", "rds"])
        assert.match(of({ kind, owner }), /^database\.owner: ".*" is the name of an administrator/, `${kind} ${owner}`);
    assert.match(
      of({ kind: "ec2", name: "postgres" }),
      /^database\.name: "postgres" is a database of the server's own/,
    );
    assert.match(mistakes({ database: { owner: "postgres" } }, "local"), /^database\.owner/);
    const existing = { kind: "existing", host: "h", user: "postgres", owner: "postgres", password: { from: "none" } };
    assert.equal(mistakes({ database: existing }), "");
  });

  it("takes a region that is one", () => {
    const at = (name: string) => mistakes({ ...shipped("dev"), "aws:region": name, connection });
    for (const name of ["eu-west-1", "ap-southeast-3", "us-gov-west-1"]) assert.equal(at(name), "", name);
    for (const name of ["eu-west1", "Ireland", "eu-west-1a"])
      assert.match(at(name), /^aws:region: a region such as eu-west-1 \(it is "/, name);
  });

  it("takes a network that can be cut into subnets, as AWS takes them", () => {
    const network = (cidr: string) => mistakes({ ...shipped("dev"), ...region, connection, network: { cidr } });
    for (const cidr of ["10.0.0.0/16", "10.42.0.0/26"]) assert.equal(network(cidr), "", cidr);
    for (const cidr of ["10.0.0.0/8", "10.42.0.0/27", "10.42.0.0/32"])
      assert.match(network(cidr), /^network\.cidr: from \/16 to \/26: AWS takes no larger/, cidr);
    assert.match(network("fd00::/56"), /^network\.cidr: a range of IPv4 addresses/);
    const from = mistakes({ ...shipped("dev"), ...region, connection: { ...connection, from: ["2001:db8::7/128"] } });
    assert.match(from, /^connection\.from\.0: a range of IPv4 addresses such as/);
  });

  it("takes a version of PostgreSQL that the pipeline can back up where it runs", () => {
    const rds = (engineVersion: string, more: object = {}) =>
      mistakes({ ...region, store: s3, connection, database: { kind: "rds", engineVersion, ...more } });
    for (const version of ["13", "17", "17.4"]) assert.equal(rds(version), "", version);
    assert.match(rds("18"), /^database\.engineVersion: "18", but .* 13 to 17, as its host .* Debian 13 \(17\)$/);
    assert.equal(rds("18", { publicFrom: ["203.0.113.7/32"] }), "");
    for (const version of ["12", "19"])
      assert.match(rds(version, { publicFrom: ["203.0.113.7/32"] }), /the pipeline works with PostgreSQL 13 to 18$/);
  });

  it("lets in who is named: not the internet by halves, nor by many ranges; by its name, where everybody is meant", () => {
    const from = (...named: string[]) =>
      mistakes({ ...region, store: s3, database: { kind: "ec2" }, connection: { ...connection, from: named } });
    for (const named of ["203.0.113.7/32", "203.0.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "internet"])
      assert.equal(from(named), "", named);
    for (const wide of ["0.0.0.0/0", "203.0.0.0/15", "10.0.0.0/7", "172.16.0.0/11", "192.168.0.0/15"])
      assert.match(from(wide), /^connection\.from\.0: wider than \/16/m, wide);
    assert.equal(from("0.0.0.0/1", "128.0.0.0/1").match(/wider than/g)?.length, 2);
    const many = Array.from({ length: 5 }, (_, at) => `203.${at}.0.0/16`);
    assert.equal(from(...many.slice(1)), "");
    assert.match(from(...many), /^connection\.from: more public addresses together than four ranges of \/16/m);
    assert.match(from("everybody"), /^connection\.from\.0: a range of IPv4 addresses such as .*, or internet/m);
    const rds = (publicFrom: string[]) =>
      mistakes({ ...region, store: s3, connection, database: { kind: "rds", publicFrom } });
    assert.match(rds(["0.0.0.0/1", "128.0.0.0/1"]), /^database\.publicFrom\.0: wider than/m);
    assert.deepEqual(rangesOf(["internet", "203.0.113.7/32"]), ["0.0.0.0/0", "203.0.113.7/32"]);
  });

  it("knows what does not go together", () => {
    const base = { ...region, store: s3, connection };
    assert.match(mistakes({ ...base, database: { kind: "ec2" }, runner: { where: "here" } }), /runner\.where/);
    assert.match(mistakes({ ...base, database: { kind: "ec2" }, store: {} }), /store\.kind: "folder", but/);
    assert.match(mistakes({ runner: { where: "host" } }), /runner\.where: "host", but a local database/);
    assert.match(mistakes({ ...base, database: { kind: "rds", storageGiB: 200 } }), /maxStorageGiB: 100, less than/);
    assert.match(
      mistakes({ ...base, database: { kind: "rds" }, network: { vpcId: "vpc-1" } }),
      /hostSubnetIds.*\n.*databaseSubnetIds/,
    );
    const named = { vpcId: "vpc-1", hostSubnetIds: ["subnet-1"], databaseSubnetIds: ["subnet-2", "subnet-3"] };
    const given = (network: object, database: object = {}) =>
      mistakes({ ...base, database: { kind: "rds", ...database }, network });
    assert.equal(given(named), "");
    assert.match(given({ ...named, vpcId: "" }), /^network\.vpcId: not set, but subnets are named/);
    assert.match(
      given({ ...named, databaseSubnetIds: ["subnet-2", "subnet-2"] }),
      /^network\.databaseSubnetIds: RDS needs two/,
    );
    // It is in those subnets that have a way to the internet then.
    assert.match(
      given(named, { publicFrom: ["203.0.113.7/32"] }),
      /^network\.hostSubnetIds: RDS needs two.*way to the internet$/,
    );
    assert.match(given({ vpcId: "vpc-1" }, { restoreFrom: "no such id" }), /^database\.restoreFrom: newest, or/);
    assert.match(
      mistakes({ ...base, database: { kind: "local" } }),
      /store\.kind: "s3", but the backups of a local database/,
    );
    assert.match(mistakes({ promotion: { from: "dev" } }), /promotion\.from: "dev" is this stack itself/);
    assert.match(
      mistakes({ ...base, database: { kind: "ec2" }, connection: { ...connection, proxy: { host: "b" } } }),
      /connection\.proxy\.hostKey, connection\.proxy\.privateKey: not set/,
    );
    const proxy = { host: "b", hostKey: key, privateKey: "private" };
    const behind = { ...base, database: { kind: "ec2" }, connection: { ...connection, proxy } };
    assert.match(mistakes(behind), /^connection\.proxy: a host behind a bastion has no public address/);
    assert.equal(mistakes({ ...behind, network: { vpcId: "vpc-1", hostSubnetIds: ["subnet-1"] } }), "");
  });

  it("never repeats a secret in a message", () => {
    const found = mistakes({
      ...region,
      store: s3,
      database: { kind: "ec2" },
      connection: { privateKey: ["hunter2"] },
    });
    assert.match(found, /connection\.privateKey/);
    assert.doesNotMatch(found, /hunter2/);
  });

  it("has a folder as its store only where it is one", () => {
    assert.match(resolvePaths(parseConfig("local", {}), "/x").folderUrl ?? "", /^file:\/\/\/x\/.local\/backups$/);
    const config = parseConfig("dev", { ...region, database: { kind: "rds" }, store: s3, connection });
    assert.equal(resolvePaths(config, "/x").folderUrl, undefined);
  });
});
