import assert from "node:assert/strict";
import { partSize } from "../../../pipeline/store/s3/upload.js";
import { parseS3Url } from "../../../pipeline/store/s3/url.js";
import { failsWith } from "../../pipeline/backupFixtures.js";

describe("URL of a store in S3", () => {
  it("names bucket, prefix, region, endpoint and the folder on this machine", () => {
    assert.deepEqual(
      parseS3Url("s3://my.bucket-1/a/b%20c/?region=eu-west-1&endpoint=http://127.0.0.1:5000&staging=/data/x"),
      {
        bucket: "my.bucket-1",
        prefix: "a/b c",
        region: "eu-west-1",
        endpoint: "http://127.0.0.1:5000",
        staging: "/data/x",
      },
    );
    assert.equal(parseS3Url("s3://bucket").prefix, "");
  });
  const wrong: [string, RegExp][] = [
    ["s3://", /bucket|no URL/],
    ["s3://UPPER_case/x", /no name of a bucket/],
    ["s3://bucket/a//b", /prefix/],
    ["s3://bucket?regoin=x", /unknown parameter "regoin"/],
    ["s3://bucket?region=a/b", /no region/],
    ["s3://bucket?endpoint=ftp://x", /endpoint/],
    ["s3://bucket?endpoint=http://a:b@x", /endpoint/],
    ["s3://bucket?staging=relative", /absolute/],
  ];
  for (const [url, message] of wrong)
    it(`refuses ${url}`, () => assert.throws(() => parseS3Url(url), failsWith("STORE_URL", message)));
  it("refuses credentials, and does not repeat them", () => {
    assert.throws(
      () => parseS3Url("s3://AKIA:hunter2@bucket/x"),
      (error) => {
        failsWith("STORE_URL", /credentials/)(error);
        assert.doesNotMatch((error as Error).message, /AKIA|hunter2/);
        return true;
      },
    );
  });
  it("makes parts that S3 takes: at most 10 000 of them, 5 MB at least", () => {
    for (const bytes of [1, 8 * 1024 ** 2, 100 * 1024 ** 3, 5 * 1024 ** 4]) {
      assert.ok(Math.ceil(bytes / partSize(bytes)) <= 10_000);
      assert.ok(partSize(bytes) >= 5 * 1024 ** 2);
    }
  });
});
