import * as pulumi from "@pulumi/pulumi";

/** A resource as the program declared it. */
export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/** A stage's answer, made from its request; a stage that is not expected here throws. */
export type Answers = Readonly<Record<string, (request: Record<string, unknown>) => unknown>>;

/** Records every resource, and answers Commands as the stages would. */
export async function underMocks(answers: Answers): Promise<Declared[]> {
  const declared: Declared[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource(args) {
        declared.push({ type: args.type, name: args.name, inputs: args.inputs as Record<string, unknown> });
        if (args.type !== "command:local:Command") return { id: `${args.name}-id`, state: args.inputs as object };
        const inputs = args.inputs as { create: string; stdin: string };
        const answer = answers[inputs.create];
        if (answer === undefined) throw new Error(`unexpected stage: ${inputs.create}`);
        const stdout = JSON.stringify(answer(JSON.parse(inputs.stdin) as Record<string, unknown>));
        return { id: `${args.name}-id`, state: { ...inputs, stdout } };
      },
      call(args) {
        throw new Error(`unexpected call: ${args.token}`);
      },
    },
    "safe-migration",
    "local",
    false,
  );
  return declared;
}

/** The value of an Output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}
