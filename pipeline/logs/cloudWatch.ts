import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { z } from "zod";
import { loadAws } from "../awsSdk.js";
import type { LogSink } from "./liveLog.js";

/** Events of one request: CloudWatch takes 10 000 and 1 MiB, and a line has 32 kB at most (`log.ts`). */
const most = 30;
const timed = z.object({ time: z.iso.datetime() });

/**
 * A stage's log as a stream of its own, `RUN/STAGE`, of a log group of CloudWatch Logs, with the credentials that the AWS SDK
 * finds.
 *
 * @param groupArn `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`
 */
export function cloudWatchSink(groupArn: string, run: string, stage: string): LogSink {
  const [, , , region = "", , , logGroupName = ""] = groupArn.split(":");
  const logStreamName = `${run}/${stage}`;
  let opened: Promise<CloudWatchLogsClient> | undefined;
  const open = async (): Promise<CloudWatchLogsClient> => {
    const { CloudWatchLogsClient, CreateLogStreamCommand } = await load();
    const client = new CloudWatchLogsClient({
      region,
      maxAttempts: 2,
      requestHandler: { requestTimeout: 10_000, connectionTimeout: 5_000 },
    });
    try {
      await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
    } catch (error) {
      // A stage that is run again goes on with its stream.
      if (!(error instanceof Error && error.name === "ResourceAlreadyExistsException")) throw error;
    }
    return client;
  };
  return {
    name: `CloudWatch Logs (${logGroupName})`,
    everyMs: 5_000,
    untilEnd: true,
    async write(lines, from) {
      opened ??= open();
      const client = await opened.catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      const { PutLogEventsCommand } = await load();
      for (let at = from; at < lines.length; at += most) {
        const logEvents = lines.slice(at, at + most).map((message) => ({ timestamp: momentOf(message), message }));
        await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
      }
    },
  };
}

function load() {
  return loadAws(() => import("@aws-sdk/client-cloudwatch-logs"));
}

function momentOf(line: string): number {
  try {
    return Date.parse(timed.parse(JSON.parse(line)).time);
  } catch {
    // A line that was cut is no JSON any more.
    return Date.now();
  }
}
