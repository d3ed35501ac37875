import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

export interface HostStartedArgs {
  readonly instance: pulumi.Input<string>;
  readonly region: string;
  /** Profile that holds the credentials. @default what the AWS SDK finds by itself */
  readonly profile?: string;
  /** Identifies the run: another one looks anew. */
  readonly run: string;
  /** The checkout. */
  readonly root: string;
}

/**
 * Has a host that stops by itself run, from where Pulumi runs, which needs `ec2:DescribeInstances`, and `ec2:StartInstances` on it.
 *
 * @returns known once EC2 says that it runs; another text for each run
 */
export function hostStarted(
  name: string,
  { instance, region, profile, run, root }: HostStartedArgs,
  options: pulumi.CustomResourceOptions = {},
): pulumi.Output<string> {
  return new command.local.Command(
    name,
    {
      interpreter: [process.execPath, "--import", "tsx"],
      create: "tools/aws/startHost.ts",
      dir: root,
      stdin: pulumi.jsonStringify({ instance, region, run }),
      ...(profile === undefined ? {} : { environment: { AWS_PROFILE: profile } }),
      logging: command.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    options,
  ).stdout;
}
