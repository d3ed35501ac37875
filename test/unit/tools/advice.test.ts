import assert from "node:assert/strict";
import { adviceOn } from "../../../tools/stack/advice.js";

/** The words are AWS's, as its services and the provider print them, and those of the command plugin. */
describe("what to do about what AWS and SSH refuse", () => {
  const cases: [string, RegExp][] = [
    ["after 10 failed attempts: ssh: handshake failed: ssh: host key mismatch", /another key than connection\.hostKey/],
    [
      "after 3 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey]",
      /does not take connection\.privateKey/,
    ],
    ["after 10 failed attempts: dial tcp 203.0.113.9:22: i/o timeout", /connection\.from names the address/],
    [
      "creating S3 Bucket (backups): operation error S3: CreateBucket, https response error StatusCode: 409, BucketAlreadyExists: ",
      /pulumi config set --path store\.bucket NAME --stack dev/,
    ],
    ["api error InvalidClientTokenId: The security token included in the request is invalid.", /aws sso login/],
    ["error: unable to validate AWS credentials: No valid credential sources found", /aws sts get-caller-identity/],
    ["api error UnauthorizedOperation: You are not authorized to perform this operation.", /which action on what/],
    ['invalid AWS Region: "eu-wst-1"', /aws:region eu-west-1 --stack dev/],
    ["api error VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit", /quota/],
    ["InsufficientInstanceCapacity: We currently do not have sufficient t4g.small capacity", /another type/],
    ["error: failed to load checkpoint: EOF", /run the same command again/],
    ["InvalidParameterCombination: Cannot delete protected DB Instance, please disable", /--no-deletion-protection/],
  ];
  for (const [said, advice] of cases)
    it(`${said.slice(0, 60)}…`, () => assert.match(adviceOn("dev", said) ?? assert.fail(), advice));

  it("says nothing of what is no such thing", () => {
    for (const line of ["error: preflight refused: the database has drift", "creating S3 Bucket (backups)"])
      assert.equal(adviceOn("dev", line), undefined);
  });
});
