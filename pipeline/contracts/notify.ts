import { z } from "zod";

/** Where a secret text is found; never the text itself. */
export const secretSource = z.discriminatedUnion("from", [
  /** An environment variable of the process that runs the stage. */
  z.strictObject({ from: z.literal("environment"), variable: z.string().min(1) }),
  /** A file on the machine that runs the stage, readable by its owner only; its first line. */
  z.strictObject({ from: z.literal("file"), path: z.string().startsWith("/", "must be an absolute path") }),
]);
export type SecretSource = z.infer<typeof secretSource>;

export const noticeEvents = ["started", "succeeded", "refused", "failed", "rolledBack"] as const;
export type NoticeEvent = (typeof noticeEvents)[number];

/** Who is told of a run. What cannot be sent is said in the log, and never fails a run. */
export const notifySettings = z.strictObject({
  /** Where the URL of a webhook is found that takes Slack's JSON (`text`, `attachments`); https, or http to this machine. */
  webhook: secretSource.optional(),
  sns: z
    .strictObject({
      topicArn: z
        .string()
        .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/, "the ARN of a standard (not FIFO) SNS topic"),
    })
    .optional(),
  events: z.array(z.enum(noticeEvents)).default([...noticeEvents]),
  /** `pending`: start and end are told of runs that apply a migration; `every`: of each run. Failures always are. */
  runs: z.enum(["pending", "every"]).default("pending"),
  /** How long one attempt to send may take, in milliseconds. */
  timeoutMs: z.int().min(100).max(30_000).default(5_000),
  attempts: z.int().min(1).max(5).default(3),
});
export type NotifySettings = z.infer<typeof notifySettings>;
