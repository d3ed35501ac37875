import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** One stage as a Command. */
export interface StageArgs {
  /** Sub-command of the pipeline's CLI. */
  readonly stage: string;
  /** The stage's request; sent on standard input, never in arguments, which `ps` and error messages show. */
  readonly request: pulumi.Input<object>;
  /** Sub-command run with the same request when the resource is deleted. */
  readonly onDelete?: string;
}

/** Runs stages of the pipeline: here, or (with another implementation) on a host. */
export interface Runner {
  /** Declares a Command that runs one stage; its result is the stage's JSON result. */
  stage(name: string, args: StageArgs, options: pulumi.CustomResourceOptions): pulumi.Output<unknown>;
}

/** Runs stages on the machine that runs Pulumi. */
export class LocalRunner implements Runner {
  /** @param bundle absolute path of the bundled CLI. */
  constructor(private readonly bundle: string) {}

  stage(name: string, args: StageArgs, options: pulumi.CustomResourceOptions): pulumi.Output<unknown> {
    const stage = new command.local.Command(
      name,
      {
        // No shell: the sub-command is the program's only argument, whatever characters the paths have.
        // The lines are read by the person in front of `pulumi up`; as JSON they are in the run's folder of the store.
        interpreter: [process.execPath, this.bundle, "--log-format", "text"],
        create: args.stage,
        ...(args.onDelete === undefined ? {} : { delete: args.onDelete }),
        // A changed request runs the stage again in place. There are no triggers: they would replace the resource, and
        // replacing runs the old one's `delete` after the new one's `create`.
        stdin: pulumi.jsonStringify(args.request),
        logging: command.local.Logging.Stderr,
        // The last result may be large, and is of no use to the next run.
        addPreviousOutputInEnv: false,
      },
      options,
    );
    return parseResult(name, stage.stdout);
  }
}

/** A stage's result from what it printed. @throws in the Output, if that is not JSON. */
export function parseResult(name: string, stdout: pulumi.Output<string>): pulumi.Output<unknown> {
  return stdout.apply((text): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      throw new pulumi.RunError(`${name}: printed no JSON result but: ${text.slice(0, 200)}`);
    }
  });
}
