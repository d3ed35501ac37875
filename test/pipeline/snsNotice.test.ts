import assert from "node:assert/strict";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { notifySettings } from "../../pipeline/contracts.js";
import { type Logger, silent } from "../../pipeline/log.js";
import type { Notice } from "../../pipeline/notify/notice.js";
import { sendNotice } from "../../pipeline/notify/send.js";
import { motoOrSkip, motoRegion, withEnvironment } from "../support/moto.js";
import { type WebhookServer, webhookServer } from "../support/webhookServer.js";

const notice: Notice = {
  event: "failed",
  environment: "prod",
  run: "r1",
  title: "prod: migrate failed (LOCK_TIMEOUT)",
  facts: [["Next", "npm run db:status"]],
};

/** Proves what a subscriber is sent; moto checks no rights. */
describe("notices to an SNS topic", () => {
  let putBack: () => void;
  let subscriber: WebhookServer;
  let uninterested: WebhookServer;
  let client: SNSClient;
  const warnings: string[] = [];
  const log: Logger = { ...silent, warn: (message) => void warnings.push(message) };

  before(async function () {
    const moto = await motoOrSkip(this);
    putBack = withEnvironment({ ...moto.env, AWS_ENDPOINT_URL_SNS: moto.endpoint });
    client = new SNSClient({ region: motoRegion });
    subscriber = await webhookServer(200);
    uninterested = await webhookServer(200);
  });
  after(async () => {
    client?.destroy();
    await subscriber?.stop();
    await uninterested?.stop();
    putBack?.();
  });

  it("reach its subscribers, with subject, text and report, by the event that they want", async () => {
    const { TopicArn: topicArn = "" } = await client.send(new CreateTopicCommand({ Name: "migrations" }));
    const subscribe = ({ url: Endpoint }: WebhookServer, event: string) => {
      const Attributes = { FilterPolicy: JSON.stringify({ event: [event], environment: ["prod"] }) };
      return client.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: "http", Endpoint, Attributes }));
    };
    await subscribe(subscriber, "failed");
    await subscribe(uninterested, "succeeded");
    await sendNotice(notice, "s3://b/prod/r1/report.html", notifySettings.parse({ sns: { topicArn } }), log);
    assert.deepEqual(warnings, []);
    const [sent] = subscriber.posts.map(({ body }) => body as Record<string, unknown>);
    assert.equal(sent?.["Subject"], notice.title);
    assert.equal(
      sent?.["Message"],
      `${notice.title}\n\nNext: npm run db:status\nRun: r1\nReport: s3://b/prod/r1/report.html\n`,
    );
    assert.equal(uninterested.posts.length, 0);
  });

  it("are a warning where the topic is not there", async () => {
    const sns = { topicArn: `arn:aws:sns:${motoRegion}:123456789012:gone` };
    await sendNotice(notice, "r", notifySettings.parse({ sns, attempts: 1 }), log);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /^the SNS topic could not be told \(failed\): .*(exist|NotFound)/);
  });
});
