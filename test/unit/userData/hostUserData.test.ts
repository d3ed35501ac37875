import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  type DatabaseUserDataArgs,
  databaseSteps,
  databaseUserData,
  hostDatabase,
  runnerUserData,
} from "../../../components/userData/hostUserData.js";
import { largestUserData, packScript, renderScript, unpackScript } from "../../../components/userData/script.js";
import { archiveStep } from "../../../components/userData/steps/archive.js";
import { hostKeySecretValue } from "../../../components/userData/steps/ssh.js";
import { waitScript } from "../../../components/userData/waitScript.js";
import { assertShellClean } from "../../support/shellcheck.js";
import { hostArguments } from "./arguments.js";

/** What the scripts do on a machine is proved by test/hosts. */
describe("user data", () => {
  const names = (args: DatabaseUserDataArgs) => databaseSteps(args).map(({ name }) => name);
  const archive = { bucket: "backups-staging", prefix: "archive", region: "eu-west-1", days: 14 };
  const archiving = { ...hostArguments, archive };

  it("lets people in first, so that what fails after it can be read, and makes the database last", () => {
    assert.deepEqual(names(hostArguments), [
      "ssh",
      "packages",
      "pm2",
      "application",
      "ssm-agent",
      "data-volume",
      "postgresql",
      "database",
      "measure",
    ]);
    assert.equal(names(archiving).at(-1), "archive");
  });

  it("archives to its own folder of the bucket by the instance's profile, and to another service by its certificate", () => {
    const own = archiveStep({ ...archive, stanza: "staging" }).body;
    for (const line of [
      "repo1-path=/archive",
      "repo1-s3-bucket=backups-staging",
      "repo1-s3-endpoint=s3.eu-west-1.amazonaws.com",
      "repo1-s3-key-type=auto",
      "repo1-s3-uri-style=host",
      "repo1-retention-full=14",
      "archive_command = 'pgbackrest --stanza=staging archive-push %p'",
    ]) {
      assert.ok(own.split("\n").includes(line), line);
    }
    // No certificate of Amazon's is for a name with one more dot.
    assert.match(archiveStep({ ...archive, stanza: "s", bucket: "my.bucket" }).body, /^repo1-s3-uri-style=path$/m);
    const endpoint = { host: "192.0.2.1", port: 9000, authorities: "-----BEGIN CERTIFICATE-----\nAA\n" };
    const other = archiveStep({ ...archive, stanza: "s", endpoint }).body;
    assert.match(other, /^repo1-storage-port=9000\nrepo1-storage-ca-file=\S+$/m);
    assert.doesNotMatch(own + other, /verify-tls|s3-key=|s3-key-secret/);
  });

  it("is packed without loss", () => {
    const script = renderScript("t", databaseSteps(archiving));
    assert.equal(unpackScript(packScript("t", script)), script);
    assert.throws(() => unpackScript(script), /no packed script/);
  });

  it("leaves out what AWS itself serves, and only that", () => {
    const all = names(hostArguments);
    assert.deepEqual(
      names({ ...hostArguments, leaveOut: ["ssm-agent"] }),
      all.filter((name) => name !== "ssm-agent"),
    );
  });

  it("passes shellcheck: database host, its volume by device, runner host, the wait for them", function () {
    this.timeout(30_000);
    assertShellClean(this, databaseUserData(archiving));
    assertShellClean(this, unpackScript(databaseUserData(archiving)));
    assertShellClean(this, unpackScript(databaseUserData({ ...hostArguments, dataVolume: { device: "/dev/sdf" } })));
    assertShellClean(this, unpackScript(runnerUserData(hostArguments)));
    assertShellClean(this, waitScript(900));
  });

  it("fits what EC2 takes, with the longest names, and is refused where it does not", () => {
    const long = "a".repeat(50);
    const script = databaseUserData({
      ...archiving,
      database: { name: long, owner: long },
      authorizedKeys: Array.from({ length: 5 }, () => hostArguments.authorizedKeys[0] ?? ""),
    });
    assert.ok(Buffer.byteLength(script) <= largestUserData);
    assert.throws(() => packScript("t", randomBytes(largestUserData).toString("base64")), /EC2 takes/);
  });

  it("takes the client's public key as it is, whatever its comment holds", () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIClient o'neil $(reboot) `x` \\";
    const script = unpackScript(databaseUserData({ ...hostArguments, authorizedKeys: [key] }));
    assert.ok(script.includes(`<<'END_OF_FILE'\n${key}\n`));
  });

  it("refuses what cannot be right, naming it", () => {
    const wrong: [Partial<DatabaseUserDataArgs>, RegExp][] = [
      [{ authorizedKeys: [] }, /nobody could log in/],
      [{ authorizedKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"] }, /not an SSH public key/],
      [{ authorizedKeys: ["ssh-ed25519 AAAA x\nssh-ed25519 BBBB"] }, /not an SSH public key/],
      [{ dataVolume: { volumeId: "vol-1; reboot" } }, /no id of a volume/],
      [{ dataVolume: { device: "sdf" } }, /no block device/],
      [{ database: { name: 'a"b', owner: "b" } }, /no name of a database/],
      [{ database: { name: "a", owner: "pipeline" } }, /cannot be "pipeline"/],
      [{ environment: "a b" }, /no name of an environment/],
      [{ hostKey: { ...hostArguments.hostKey, secretId: "a'b" } }, /names no secret/],
      [{ machine: { memoryMiB: 128, vcpus: 2 } }, /too small/],
      [{ archive: { ...archive, bucket: "b'b" } }, /no name of a bucket/],
      [{ archive: { ...archive, prefix: "a b" } }, /no folder/],
      [{ archive: { ...archive, region: "x y" } }, /no region/],
      [{ archive: { ...archive, days: 0 } }, /0 days back/],
    ];
    for (const [change, message] of wrong) {
      assert.throws(() => databaseUserData({ ...hostArguments, ...change }), message);
    }
  });

  it("holds the private host key only as the place where it is", () => {
    const value = hostKeySecretValue("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    assert.match(value, /^[A-Za-z0-9+/]+=*$/);
    assert.doesNotMatch(unpackScript(databaseUserData(hostArguments)), /PRIVATE KEY/);
  });

  it("reaches the database over the Unix socket, by who it is", () => {
    assert.deepEqual(hostDatabase({ name: "shop", owner: "shop_app", schema: "sales", stanza: "staging" }), {
      host: "/var/run/postgresql",
      port: 5432,
      name: "shop",
      user: "pipeline",
      password: { from: "none" },
      migrateAs: "shop_app",
      schema: "sales",
      archive: { stanza: "staging" },
    });
  });
});
