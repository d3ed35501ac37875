import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
} from "@aws-sdk/client-s3";
import { currentOwner } from "../../pipeline/owner.js";
import { openS3Store } from "../../pipeline/store/s3/store.js";
import type { Store } from "../../pipeline/store/store.js";
import { type FaultyProxy, faultyProxy } from "../support/faultyProxy.js";
import { type Moto, motoOrSkip, motoRegion, withEnvironment } from "../support/moto.js";
import { keepsStoreContract } from "../support/storeContract.js";
import { failsWith } from "./backupFixtures.js";

const megabyte = 1_048_576;

describe("store in S3", function () {
  this.timeout(120_000);
  let moto: Moto;
  let proxy: FaultyProxy;
  let restoreEnvironment = () => undefined as void;
  let staging: string;
  let store: Store;
  let count = 0;

  const open = (more: { endpoint?: string; bucket?: string; region?: string; patienceMs?: number } = {}) => {
    const { endpoint = proxy.endpoint, bucket = "backups", region = motoRegion, patienceMs = 20_000 } = more;
    const query = new URLSearchParams({ region, endpoint, staging });
    return openS3Store(`s3://${bucket}/some/prefix-${count}?${query.toString()}`, { patienceMs });
  };
  const uploads = async () => {
    const { Uploads: found = [] } = await moto.s3.send(new ListMultipartUploadsCommand({ Bucket: "backups" }));
    return found.filter(({ Key: key }) => key?.startsWith(`some/prefix-${count}/`));
  };

  before(async function () {
    moto = await motoOrSkip(this);
    restoreEnvironment = withEnvironment(moto.env);
    await moto.s3.send(
      new CreateBucketCommand({ Bucket: "backups", CreateBucketConfiguration: { LocationConstraint: motoRegion } }),
    );
    proxy = await faultyProxy(moto.endpoint);
  });
  after(async () => {
    await proxy?.stop();
    restoreEnvironment();
  });
  beforeEach(async () => {
    staging = await mkdtemp(join(tmpdir(), "s3-store-"));
    count++;
    proxy.decide = () => "pass";
    proxy.seen.length = 0;
    store = open();
  });
  afterEach(() => rm(staging, { recursive: true, force: true }));

  keepsStoreContract(() => store);

  /** Stages a file of this size, whose bytes tell where they are. */
  const stageFile = async (bytes: number) => {
    const content = Buffer.alloc(bytes);
    for (let at = 0; at + 4 <= bytes; at += 4_096) content.writeUInt32LE(at, at);
    const staged = await store.stage("env/run/dump");
    await writeFile(join(staged.directory, "large.dat"), content);
    return { staged, content };
  };

  it("keeps a page as one that browsers show, and other small files as what they are", async () => {
    const names = ["report.html", "report.md", "verify.json", "verify.log", "other"];
    const types = await Promise.all(
      names.map(async (name) => {
        await store.write(`env/run/${name}`, "<p>á</p>");
        const Key = `some/prefix-${count}/env/run/${name}`;
        return (await moto.s3.send(new HeadObjectCommand({ Bucket: "backups", Key }))).ContentType;
      }),
    );
    assert.deepEqual(types, [
      "text/html; charset=utf-8",
      "text/markdown; charset=utf-8",
      "application/json",
      "text/plain; charset=utf-8",
      "application/octet-stream",
    ]);
  });

  it("uploads a large file in parts with their SHA-256, and fetches it back in pieces", async () => {
    const { staged, content } = await stageFile(33 * megabyte + 5);
    const shares: number[] = [];
    await staged.publish({ onProgress: (share) => shares.push(share) });
    assert.equal(shares.at(-1), 1);
    assert.equal(proxy.seen.filter((what) => /^PUT .*partNumber=/.test(what)).length, 5);
    assert.deepEqual(proxy.unchecked, [], "each part came with its SHA-256");
    assert.deepEqual(await uploads(), []);
    const fetched = await store.fetch("env/run/dump");
    assert.ok((await readFile(join(fetched.directory, "large.dat"))).equals(content));
    await fetched.release();
    assert.deepEqual(await readdir(staging), [], "nothing stays on this machine");
  });

  it("after an outage sends only the parts that are missing", async () => {
    const { staged, content } = await stageFile(20 * megabyte);
    const troubles: string[] = [];
    // More often than the SDK itself tries.
    proxy.decide = (what, time) => (/PUT .*partNumber=2/.test(what) && time <= 5 ? { status: 503 } : "pass");
    await staged.publish({ onTrouble: (message) => troubles.push(message) });
    assert.equal(troubles.length, 1);
    assert.match(troubles[0] ?? "", /going on from there in 1 s/);
    assert.equal(proxy.seen.filter((what) => /POST .*\?uploads/.test(what)).length, 1, "one upload, not a new one");
    assert.equal(proxy.seen.filter((what) => /partNumber=1&/.test(what) || /partNumber=1$/.test(what)).length, 1);
    const fetched = await store.fetch("env/run/dump");
    assert.ok((await readFile(join(fetched.directory, "large.dat"))).equals(content));
    await fetched.release();
  });

  it("an upload whose last answer was lost is done all the same", async () => {
    const { staged, content } = await stageFile(9 * megabyte);
    proxy.decide = (what, time) => (/POST .*uploadId=/.test(what) && time === 1 ? { cutAfter: 0 } : "pass");
    await staged.publish();
    const fetched = await store.fetch("env/run/dump");
    assert.ok((await readFile(join(fetched.directory, "large.dat"))).equals(content));
    await fetched.release();
  });

  it("takes a fetch up again where its connection broke", async () => {
    const { staged, content } = await stageFile(20 * megabyte);
    await staged.publish();
    proxy.decide = (what, time) => (what.includes("large.dat") && time === 1 ? { cutAfter: 3 * megabyte } : "pass");
    const fetched = await store.fetch("env/run/dump");
    assert.ok((await readFile(join(fetched.directory, "large.dat"))).equals(content));
    await fetched.release();
  });

  it("an upload that fails for good leaves no parts, and discarding leaves nothing", async () => {
    store = open({ patienceMs: 1 });
    const { staged } = await stageFile(20 * megabyte);
    proxy.decide = (what) => (/partNumber=2/.test(what) ? { status: 500 } : "pass");
    await assert.rejects(staged.publish(), (error) => {
      failsWith("S3_UNREACHABLE", /500|Internal|Unknown/)(error);
      assert.match((error as { state: string }).state, /database was not changed.*complete backups are untouched/s);
      return true;
    });
    assert.deepEqual(await uploads(), []);
    await staged.discard();
    assert.deepEqual(await store.list("env/run"), []);
    assert.deepEqual(await readdir(staging), []);
  });

  it("an upload that is stopped ends at once and leaves no parts", async () => {
    const { staged } = await stageFile(20 * megabyte);
    const controller = new AbortController();
    proxy.decide = (what) => {
      if (/partNumber=3/.test(what)) controller.abort(new Error("stopped"));
      return "pass";
    };
    await assert.rejects(staged.publish({ signal: controller.signal }));
    await staged.discard();
    assert.deepEqual(await uploads(), []);
  });

  it("drops the parts that a killed run left, and its files on this machine", async () => {
    const staged = await store.stage("env/run/dump");
    await writeFile(join(staged.directory, "half"), "x");
    await moto.s3.send(
      new CreateMultipartUploadCommand({ Bucket: "backups", Key: `some/prefix-${count}/env/run/dump/half` }),
    );
    const dead = JSON.stringify({ ...(await currentOwner()), started: "1" });
    await store.write("env/run/dump.owner.json", dead);
    await writeFile(join(staged.directory, "..", "owner.json"), dead);
    assert.equal((await uploads()).length, 1);
    assert.equal(await store.dropAbandoned("env/run/dump"), true);
    assert.deepEqual(await uploads(), []);
    const next = await store.stage("env/run/dump");
    assert.equal((await readdir(staging)).length, 1, "that of the new one");
    await next.discard();
  });

  it("a file that shrinks while it is uploaded is no backup", async () => {
    const { staged } = await stageFile(20 * megabyte);
    proxy.decide = () => {
      void truncate(join(staged.directory, "large.dat"), 5);
      return "pass";
    };
    await assert.rejects(staged.publish(), /shorter/);
    await staged.discard();
  });

  it("says what is wrong with the bucket", async () => {
    await assert.rejects(open({ bucket: "not-there" }).list("env"), failsWith("S3_NO_BUCKET", /not-there/));
    const xml = (code: string, more = "") => `<Error><Code>${code}</Code><Message>no</Message>${more}</Error>`;
    for (const [code, status, expected, message] of [
      ["AccessDenied", 403, "S3_DENIED", /access was denied/],
      ["PermanentRedirect", 301, "S3_REGION", /not in eu-west-1 but in eu-central-1/],
      ["AuthorizationHeaderMalformed", 400, "S3_REGION", /but in eu-central-1/],
      ["ExpiredToken", 400, "S3_CREDENTIALS", /ExpiredToken/],
      ["InvalidAccessKeyId", 403, "S3_CREDENTIALS", /refused/],
      ["RequestTimeTooSkewed", 403, "S3_CREDENTIALS", /RequestTimeTooSkewed/],
    ] as const) {
      proxy.decide = () => ({ status, body: xml(code, "<Region>eu-central-1</Region>") });
      await assert.rejects(open().read("env/x"), failsWith(expected, message));
    }
  });

  it("gives up soon on an address at which nothing answers, and on one that is not known", async () => {
    const at = (endpoint: string) => open({ endpoint, patienceMs: 1 });
    await assert.rejects(at("http://127.0.0.1:1").list("env"), failsWith("S3_UNREACHABLE", /ECONNREFUSED/));
    await assert.rejects(at("http://nothing.invalid").list("env"), failsWith("S3_UNREACHABLE"));
  });

  it("says that there are no credentials", async () => {
    const back = withEnvironment({ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
    try {
      await assert.rejects(open().list("env"), failsWith("S3_CREDENTIALS", /no credentials were found/));
    } finally {
      back();
    }
  });
});
