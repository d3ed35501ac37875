import { join } from "node:path";
import { EC2Client } from "@aws-sdk/client-ec2";
import { readStackFile } from "../stack/stackFile.js";
import { root } from "../stack/workspace.js";

/** EC2 in the region, and by the profile, that a stack's file names; credentials are those that the AWS SDK finds. */
export function ofStack(stack: string): EC2Client {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const { config } = readStackFile(join(root, `Pulumi.${stack}.yaml`));
  const [region, profile] = ["aws:region", "aws:profile"].map((key) => config?.[key]);
  return new EC2Client({
    ...(typeof region === "string" ? { region } : {}),
    ...(typeof profile === "string" ? { profile } : {}),
  });
}
