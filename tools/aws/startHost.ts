import { text } from "node:stream/consumers";
import { z } from "zod";
import { EC2Client } from "@aws-sdk/client-ec2";
import { stopSignal } from "../../pipeline/stopSignal.js";
import { reportFailure } from "../commands/reportFailure.js";
import { startInstance } from "./startInstance.js";

/**
 * What `components/hostStarted.ts` runs where Pulumi runs: has an instance run, with the credentials that the AWS SDK finds.
 * A JSON request on standard input, what was asked for on standard output.
 */
const request = z.strictObject({ instance: z.string().min(1), region: z.string().min(1), run: z.string().min(1) });

async function main(): Promise<void> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const { instance, region, run } = request.parse(JSON.parse(await text(process.stdin)));
  const ec2 = new EC2Client({ region });
  const say = (line: string) => process.stderr.write(`${line}\n`);
  await startInstance(ec2, instance, { signal: stopSignal(), say });
  process.stdout.write(`${instance} runs, for ${run}\n`);
}

main().catch(reportFailure);
