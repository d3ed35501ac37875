import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { utils } from "ssh2";
import { Checkout } from "../support/checkout.js";

const all = (result: { stdout: string; stderr: string }) => `${result.stdout}\n${result.stderr}`;

/** `npm run keys` through the real CLI, as people type it. */
describe("npm run keys", function () {
  this.timeout(120_000);
  let checkout: Checkout;
  let env: Record<string, string>;

  before(async () => {
    checkout = await Checkout.make("config: {}\n");
    env = {
      PULUMI_BACKEND_URL: `file://${checkout.path("state")}`,
      PULUMI_CONFIG_PASSPHRASE: "of the test",
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
    };
    await mkdir(checkout.path("state"));
  });
  after(() => checkout.remove());

  const keys = (...args: string[]) => checkout.npm("keys", args, { env });
  const shown = (text: string, what: string) => new RegExp(`^${what} +(ssh-ed25519 .*)$`, "m").exec(text)?.[1] ?? "";

  it("makes no stack of a name that was mistyped, nor do the others; each names those that there are", async () => {
    const settings = async () => (await readdir(checkout.folder)).filter((name) => name.startsWith("Pulumi."));
    const before = await settings();
    const typed = [
      ["keys"],
      ["approve", "20250113090000_init", "--reason", "x"],
      ...["report", "logs", "destroy", "outputs"].map((script) => [script]),
    ];
    for (const [script = "", ...args] of typed) {
      const refused = await checkout.npm(script, ["--stack", "stagign", ...args], { env });
      assert.equal(refused.exitCode, 2, all(refused));
      assert.match(
        all(refused),
        /no Pulumi\.stagign\.yaml.*did you mean staging\? \(there are: dev, local, prod, staging\)[^]*Nothing was touched/,
      );
    }
    assert.deepEqual(await settings(), before);
    assert.ok(!existsSync(checkout.path("state/.pulumi/stacks/safe-migration/stagign.json")));
  });

  it("makes two pairs, shows the public halves and keeps the private ones as secrets", async () => {
    await writeFile(checkout.path("Pulumi.keystest.yaml"), "config: {}\n");
    const made = await keys("--stack", "keystest");
    assert.equal(made.exitCode, 0, all(made));
    const file = await readFile(checkout.path("Pulumi.keystest.yaml"), "utf8");
    for (const [what, secret, open] of [
      ["client key", "privateKey", "publicKey"],
      ["host key", "hostPrivateKey", "hostKey"],
    ] as const) {
      const publicKey = shown(made.stdout, what);
      assert.ok(file.includes(`${open}: ${publicKey}`), file);
      assert.match(file, new RegExp(`${secret}:\\s+secure: v1:`));
      const read = await checkout.pulumi(
        ["config", "get", "--stack", "keystest", "--path", `safe-migration:connection.${secret}`],
        env,
      );
      const parsed = utils.parseKey(read.stdout);
      if (parsed instanceof Error) throw parsed;
      assert.equal(publicKey.split(" ")[1], parsed.getPublicSSH().toString("base64"));
    }
    assert.doesNotMatch(`${all(made)}${file}`, /PRIVATE KEY/);
  });

  it("does not replace them unless told to", async () => {
    const before = await readFile(checkout.path("Pulumi.keystest.yaml"), "utf8");
    const again = await keys("--stack", "keystest");
    assert.equal(again.exitCode, 2);
    assert.match(all(again), /has its keys already[^]*--replace/);
    assert.equal(await readFile(checkout.path("Pulumi.keystest.yaml"), "utf8"), before);
    const replaced = await keys("--stack", "keystest", "--replace");
    assert.equal(replaced.exitCode, 0, all(replaced));
    assert.ok(!before.includes(shown(replaced.stdout, "host key")));
    assert.match(all(replaced), /tell the host that is there, which knows the old ones only \(docs\/upkeep\.md/);
  });

  it("replaces one pair alone, where it is named", async () => {
    const before = await readFile(checkout.path("Pulumi.keystest.yaml"), "utf8");
    const replaced = await keys("--stack", "keystest", "--replace", "client");
    assert.equal(replaced.exitCode, 0, all(replaced));
    assert.ok(!before.includes(shown(replaced.stdout, "client key")));
    assert.doesNotMatch(replaced.stdout, /host key/);
    const hostKeys = /hostKey: .+/;
    const after = await readFile(checkout.path("Pulumi.keystest.yaml"), "utf8");
    assert.equal(hostKeys.exec(after)?.[0], hostKeys.exec(before)?.[0] ?? assert.fail());
  });

  it("says what is missing where Pulumi does not come to the stack, and makes none", async () => {
    const before = await readFile(checkout.path("Pulumi.keystest.yaml"), "utf8");
    const args = ["--stack", "keystest", "--replace"];
    const wrong = await checkout.npm("keys", args, { env: { ...env, PULUMI_CONFIG_PASSPHRASE: "another" } });
    assert.equal(wrong.exitCode, 4);
    assert.match(all(wrong), /incorrect passphrase[^]*that Pulumi\.keystest\.yaml was encrypted with[^]*--replace/);
    const nowhere = await checkout.npm("keys", args, {
      env: { ...env, PULUMI_BACKEND_URL: "", HOME: checkout.folder },
    });
    assert.equal(nowhere.exitCode, 2);
    assert.match(all(nowhere), /nobody is logged in to a backend[^]*pulumi login/);
    assert.doesNotMatch(all(nowhere), /\n {4}at /);
    assert.equal(await readFile(checkout.path("Pulumi.keystest.yaml"), "utf8"), before);
  });

  it("makes the client's alone for a host that is there already, whose own key it leaves", async () => {
    const path = checkout.path("Pulumi.adopted.yaml");
    const settings =
      'config:\n  safe-migration:database: { kind: existing }\n  safe-migration:connection: { host: h, hostKey: "ssh-ed25519 AAAA" }\n';
    await writeFile(path, settings);
    const made = await keys("--stack", "adopted");
    assert.equal(made.exitCode, 0, all(made));
    assert.match(all(made), /let that key in on the host/);
    const file = await readFile(path, "utf8");
    assert.ok(file.includes(`publicKey: ${shown(made.stdout, "client key")}`), file);
    assert.match(file, /hostKey: "ssh-ed25519 AAAA"/);
    assert.doesNotMatch(file, /hostPrivateKey/);
    const again = await keys("--stack", "adopted");
    assert.equal(again.exitCode, 2);
    assert.match(all(again), /has its client key already[^]*--replace/);
  });

  it("has none for the local stack", async () => {
    const refused = await keys("--stack", "local");
    assert.equal(refused.exitCode, 2);
    assert.match(all(refused), /has no host/);
  });
});
