import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { explain, isOnAws } from "../../../tools/stack/awsPlugin.js";
import { readStackFile } from "../../../tools/stack/stackFile.js";
import { EngineStream } from "../../../tools/stack/stream.js";
import { awsPluginIsAtHand, awsPluginVersion, linkAwsPlugin } from "../../../tools/setup/awsPlugin.mjs";

describe("the aws plugin", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "aws-plugin-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is needed by the stacks on AWS, and by no other", () => {
    const root = resolve(__dirname, "../../..");
    const needed = ["local", "dev", "staging", "prod"].filter((stack) =>
      isOnAws(readStackFile(join(root, `Pulumi.${stack}.yaml`))),
    );
    assert.deepEqual(needed, ["dev", "staging", "prod"]);
    assert.ok(isOnAws({ config: { "safe-migration:store": { kind: "s3" } } }));
    assert.ok(!isOnAws({ config: { "safe-migration:database": "nonsense" } }));
  });

  it("is found where its user has it, and linked to where this project's engine looks", () => {
    const [user, own] = [join(folder, "user"), join(folder, "own")];
    const place = join(user, "plugins", `resource-aws-v${awsPluginVersion()}`);
    mkdirSync(place, { recursive: true });
    linkAwsPlugin(own, user);
    assert.ok(!awsPluginIsAtHand(own, ""), "there is none yet");
    const program = join(place, "pulumi-resource-aws");
    writeFileSync(program, "");
    chmodSync(program, 0o755);
    // Pulumi leaves this beside a plugin whose installation was broken off.
    writeFileSync(`${place}.partial`, "");
    assert.ok(!awsPluginIsAtHand(user, ""));
    rmSync(`${place}.partial`);
    for (const time of ["first", "second"]) {
      linkAwsPlugin(own, user);
      assert.ok(awsPluginIsAtHand(own, ""), time);
    }
    assert.ok(lstatSync(join(own, "plugins", `resource-aws-v${awsPluginVersion()}`)).isSymbolicLink());
    assert.ok(awsPluginIsAtHand(join(folder, "nowhere"), place), "on PATH");
  });

  it("that is missing is told with what to fetch for this machine, and the command that puts it in place", () => {
    const said = explain("7.48.0", "/opt/pulumi", { platform: "linux", arch: "x64" });
    assert.match(said, /plugins\/pulumi-resource-aws-v7\.48\.0-linux-amd64\.tar\.gz/);
    assert.match(
      said,
      /\/opt\/pulumi plugin install resource aws 7\.48\.0 --file pulumi-resource-aws-v7\.48\.0-linux-amd64/,
    );
    assert.match(explain("7.48.0", "pulumi", { platform: "darwin", arch: "arm64" }), /-darwin-arm64\.tar\.gz/);
  });

  it("is known to be missing from what the engine says", () => {
    const stream = new EngineStream(() => undefined);
    stream.write("    error: something else\n");
    assert.ok(!stream.withoutAws);
    stream.write("    error: no resource plugin 'pulumi-resource-aws' found in the workspace at version v7.48.0\n");
    assert.ok(stream.withoutAws);
  });
});
