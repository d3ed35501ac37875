import { loadAws } from "../awsSdk.js";
import type { Notice } from "./notice.js";
import { renderSubject, renderText } from "./render.js";
import type { Patience } from "./webhook.js";

/**
 * Publishes a notice to an SNS topic, with the credentials that the AWS SDK finds; `environment` and `event` are attributes
 * that a subscription may filter by.
 *
 * @throws the SDK's error, or one that says that time is up.
 */
export async function publishSns(topicArn: string, notice: Notice, report: string, patience: Patience): Promise<void> {
  const { PublishCommand, SNSClient } = await loadAws(() => import("@aws-sdk/client-sns"));
  const { timeoutMs, attempts } = patience;
  const client = new SNSClient({
    region: topicArn.split(":")[3] ?? "",
    maxAttempts: attempts,
    requestHandler: { requestTimeout: timeoutMs, connectionTimeout: timeoutMs },
  });
  const attribute = (value: string) => ({ DataType: "String", StringValue: value });
  const publish = client.send(
    new PublishCommand({
      TopicArn: topicArn,
      Subject: renderSubject(notice),
      Message: renderText(notice, report),
      MessageAttributes: { environment: attribute(notice.environment), event: attribute(notice.event) },
    }),
  );
  try {
    // The search for credentials has no time limit of its own.
    await withLimit(publish, timeoutMs * attempts);
  } finally {
    client.destroy();
  }
}

async function withLimit(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
