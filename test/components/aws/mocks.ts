import * as pulumi from "@pulumi/pulumi";
import { computeCall, computeResource } from "../../support/aws/model.js";

/** A resource as a component declared it. */
export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  readonly options: pulumi.CustomResourceOptions;
}

/** What was declared since the mocks were set, and what was asked. */
export interface Recorded {
  readonly declared: readonly Declared[];
  readonly asked: readonly { readonly token: string; readonly args: Record<string, unknown> }[];
  /** The only one of its type. @throws where there is none, or several */
  one(type: string): Declared;
  all(type: string): Declared[];
}

/**
 * Answers as the stand-in for AWS does, and throws at what that does not know. Mocks see inputs; what only the engine sees
 * (`protect`, `retainOnDelete`, …) is recorded by a transform. What AWS itself would say to the inputs is not proved here.
 */
export async function recordAws(make: () => pulumi.ComponentResource): Promise<Recorded> {
  const declared: Declared[] = [];
  const asked: { token: string; args: Record<string, unknown> }[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id }) => {
        const given = inputs as Record<string, unknown>;
        const made = type.startsWith("aws:") ? computeResource(type, name, given) : { id: id ?? "", outputs: given };
        const found = options.get(`${type} ${name}`);
        declared.push({ type, name, inputs: given, options: found ?? {} });
        return { id: made.id, state: made.outputs };
      },
      call: ({ token, inputs }) => {
        asked.push({ token, args: inputs as Record<string, unknown> });
        return computeCall(token, inputs as Record<string, unknown>);
      },
    },
    "safe-migration",
    "test",
    false,
  );
  const options = new Map<string, pulumi.CustomResourceOptions>();
  class Watching extends pulumi.ComponentResource {
    constructor() {
      super(
        "test:index:Watching",
        "watching",
        {},
        {
          transformations: [
            ({ type, name, opts, props }) => {
              options.set(`${type} ${name}`, opts);
              return { props: props, opts };
            },
          ],
        },
      );
    }
  }
  current = new Watching();
  const component = make();
  await settled(component);
  const all = (type: string) => declared.filter((resource) => resource.type === type);
  return {
    declared,
    asked,
    all,
    one: (type) => {
      const found = all(type);
      const [only] = found;
      if (only === undefined || found.length > 1) throw new Error(`${found.length} of ${type} were declared`);
      return only;
    },
  };
}

let current: pulumi.ComponentResource | undefined;
/** Options that a component under test is given. */
export function watched(): pulumi.ComponentResourceOptions {
  return current === undefined ? {} : { parent: current };
}

/** Until all that was declared has its answers: children that nobody awaits are there by then too. */
async function settled(component: pulumi.ComponentResource): Promise<void> {
  await new Promise<void>((resolve) => component.urn.apply(() => resolve()));
  await pulumi.runtime.disconnect();
}
