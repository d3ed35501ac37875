import assert from "node:assert/strict";
import { CommandError } from "@pulumi/pulumi/automation";
import { saidBy } from "../../../tools/stack/saidBy.js";
import { troubleOf } from "../../../tools/stack/trouble.js";

describe("what stands between Pulumi's CLI and a stack", () => {
  // What the CLI 3.230.0 said.
  const login = "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions\n";
  for (const [said, code, message, next] of [
    [login, "NO_BACKEND", /"prod" is kept is not known/, /pulumi login; then run the same command/],
    [
      "error: getting stack configuration: get stack secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables",
      "NO_PASSPHRASE",
      /"prod" are kept by a passphrase, and none is set/,
      /PULUMI_CONFIG_PASSPHRASE_FILE/,
    ],
    ["error: incorrect passphrase", "WRONG_PASSPHRASE", /not that of the stack "prod"/, /Pulumi\.prod\.yaml/],
    [
      'error: read ".pulumi/meta.yaml": blob (key ".pulumi/meta.yaml") (code=Unknown): NoCredentialProviders: no valid providers in chain. Deprecated.\n\tFor verbose messaging see aws.Config.CredentialsChainVerboseErrors',
      "BACKEND_CREDENTIALS",
      /be read: read .*NoCredentialProviders: no valid providers in chain\. Deprecated\.$/,
      /aws sts get-caller-identity/,
    ],
    [
      "error: blob (code=Unknown): ExpiredToken: The security token included in the request is expired",
      "BACKEND_CREDENTIALS",
      /ExpiredToken/,
      /aws sso login/,
    ],
    [
      "error: unable to open bucket file:///nowhere/x?no_tmp_dir=true: stat /nowhere/x: no such file or directory",
      "BACKEND_UNREACHABLE",
      /cannot be reached: unable to open bucket file:\/\/\/nowhere/,
      /pulumi whoami/,
    ],
  ] as const) {
    it(`is told with what to do about it: ${code}`, () => {
      const trouble = troubleOf("prod", said);
      assert.equal(trouble?.code, code);
      assert.match(trouble?.message ?? "", message);
      assert.match(trouble?.next ?? "", next);
      assert.equal(trouble?.state, "Nothing was touched.");
    });
  }

  it("is not guessed at", () => {
    assert.equal(troubleOf("prod", "error: no stack named 'prod' found"), undefined);
    assert.equal(troubleOf("prod", "error: update failed"), undefined);
  });

  it("is found in what the Automation API makes of it", () => {
    const text = `code: -2\n stdout: \n stderr: Command failed with exit code 3: pulumi stack select\n${login} err?: Error: …\n`;
    const error = new (CommandError as unknown as new (message: string) => Error)(text);
    assert.equal(troubleOf("prod", saidBy(error))?.code, "NO_BACKEND");
  });
});
