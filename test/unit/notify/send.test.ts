import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { conclude } from "../../../pipeline/conclude.js";
import { type SecretSource, notifySettings } from "../../../pipeline/contracts.js";
import { PipelineError } from "../../../pipeline/errors.js";
import { type Logger, silent } from "../../../pipeline/log.js";
import type { Notice } from "../../../pipeline/notify/notice.js";
import { sendNotice } from "../../../pipeline/notify/send.js";
import { checkUrl, postWebhook, readSecret } from "../../../pipeline/notify/webhook.js";
import { runStage } from "../../../pipeline/runStage.js";
import { type WebhookServer, webhookServer } from "../../support/webhookServer.js";

const variable = "TEST_WEBHOOK";
const source: SecretSource = { from: "environment", variable };
const patience = { timeoutMs: 2_000, attempts: 3 };

describe("webhook", () => {
  let server: WebhookServer;
  const serve = async (...answers: (number | "never")[]) => {
    server = await webhookServer(...answers);
    process.env[variable] = server.url;
  };
  afterEach(async () => {
    await server.stop();
    delete process.env[variable];
  });

  it("is posted the payload, once", async () => {
    await serve(200);
    await postWebhook(source, { text: "ñ" }, patience);
    assert.deepEqual(server.posts, [{ path: "/services/T0/s3cret", body: { text: "ñ" } }]);
  });

  it("is tried again while it is busy or broken", async () => {
    await serve(503, 429, 200);
    await postWebhook(source, {}, patience);
    assert.equal(server.posts.length, 3);
  });

  it("is given up where trying again does not help, and where it was tried enough", async () => {
    await serve(404);
    await assert.rejects(postWebhook(source, {}, patience), /^Error: it answered 404 Not Found$/);
    assert.equal(server.posts.length, 1);
    await server.stop();
    await serve(500);
    await assert.rejects(postWebhook(source, {}, { ...patience, attempts: 2 }), /answered 500/);
    assert.equal(server.posts.length, 2);
  });

  it("is not followed elsewhere", async () => {
    await serve(302);
    await assert.rejects(
      postWebhook(source, {}, { ...patience, attempts: 1 }),
      (error: Error) => !/s3cret/.test(error.message),
    );
    assert.equal(server.posts.length, 1);
  });

  it("that never answers is not waited for", async () => {
    await serve("never");
    await assert.rejects(postWebhook(source, {}, { timeoutMs: 100, attempts: 2 }), /no answer within 100 ms/);
    assert.equal(server.posts.length, 2);
  });

  it("that is down is named without its URL", async () => {
    await serve(200);
    await server.stop();
    await assert.rejects(postWebhook(source, {}, { ...patience, attempts: 1 }), /^Error: ECONNREFUSED$/);
  });
});

describe("webhook: its URL, a secret", () => {
  it("is https, or http to this machine", () => {
    for (const good of ["https://hooks.example.org/x", "http://localhost:1/x", "http://[::1]/x"]) checkUrl(good);
    for (const bad of ["http://hooks.example.org/x", "file:///etc/passwd", "hooks.example.org", ""])
      assert.throws(
        () => checkUrl(bad),
        (error: Error) => !error.message.includes("example") && /https/.test(error.message),
      );
  });

  it("is found in the environment or in a file that nobody else can read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "safe-migration-webhook-"));
    try {
      const path = join(folder, "url");
      await assert.rejects(readSecret({ from: "file", path }), /ENOENT/);
      await writeFile(path, "https://x/y\n", { mode: 0o644 });
      await assert.rejects(readSecret({ from: "file", path }), /can be read by others; run: chmod 600/);
      await rm(path);
      await writeFile(path, "https://x/y\n", { mode: 0o600 });
      assert.equal(await readSecret({ from: "file", path }), "https://x/y");
      await assert.rejects(readSecret(source), /TEST_WEBHOOK is not set/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("notices: whoever cannot be told", () => {
  const notice: Notice = { event: "failed", environment: "prod", run: "r1", title: "prod: failed", facts: [] };
  const listening = () => {
    const warnings: string[] = [];
    const log: Logger = { ...silent, warn: (message) => void warnings.push(message) };
    return { warnings, log };
  };

  it("is a warning, for each of them", async () => {
    const { warnings, log } = listening();
    const before = { ...process.env };
    // A port of this machine that nothing listens on.
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SNS: "http://127.0.0.1:9",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      [variable]: "http://127.0.0.1:9/s3cret",
    });
    try {
      const sns = { topicArn: "arn:aws:sns:eu-west-1:123456789012:runs" };
      await sendNotice(notice, "R", notifySettings.parse({ webhook: source, sns, attempts: 1, timeoutMs: 1_000 }), log);
    } finally {
      for (const name of ["AWS_ENDPOINT_URL_SNS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", variable]) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
    assert.equal(warnings.length, 2);
    assert.match(warnings.join("\n"), /^the webhook could not be told \(failed\): /m);
    assert.match(warnings.join("\n"), /^the SNS topic could not be told \(failed\): /m);
    assert.doesNotMatch(warnings.join("\n"), /s3cret/);
  });

  it("does not change how a stage ends, and is in its log", async () => {
    const folder = await mkdtemp(join(tmpdir(), "safe-migration-conclude-"));
    const kept: Record<string, string> = {};
    process.env[variable] = "http://127.0.0.1:9/s3cret";
    const settings = { backup: {}, preflight: {}, migrate: {}, notify: { webhook: source, attempts: 1 } };
    try {
      const outcome = await runStage(
        {
          name: "migrate",
          summary: "",
          request: z.looseObject({ run: z.string(), environment: z.string() }),
          run: () =>
            Promise.reject(
              new PipelineError({ code: "BROKEN", kind: "failedUnchanged", message: "m", state: "s", next: "n" }),
            ),
          keepEvidence: (_request, files) => Promise.resolve(void Object.assign(kept, files)),
          conclude: (request, ended, log) =>
            conclude({ stage: "migrate", environment: "prod", run: "r1", request, outcome: ended }, log),
        },
        { run: "r1", environment: "prod", store: pathToFileURL(folder).href, settings },
        {
          format: "json",
          level: "error",
          terminal: false,
          write: () => undefined,
          signal: new AbortController().signal,
        },
      );
      assert.ok(!outcome.ok && outcome.error.code === "BROKEN");
      assert.match(kept["migrate.json"] ?? "", /BROKEN/);
      assert.match(kept["migrate.log"] ?? "", /webhook could not be told \(failed\): .*the run goes on/);
      assert.doesNotMatch(JSON.stringify(kept), /s3cret/);
    } finally {
      delete process.env[variable];
      await rm(folder, { recursive: true });
    }
  });
});
