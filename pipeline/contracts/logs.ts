import { z } from "zod";

/** Where the log of each stage goes beside the store. What cannot be kept is said in the log, and never fails a run. */
export const logsSettings = z.strictObject({
  cloudWatch: z
    .strictObject({
      groupArn: z
        .string()
        .regex(/^arn:aws[a-z-]*:logs:[a-z0-9-]+:\d{12}:log-group:[\w./#-]{1,512}$/, "the ARN of a log group"),
    })
    .optional(),
});
