import { z } from "zod";
import { placeType } from "../../../components/placeType.js";
import { askPulumi } from "../../stack/pulumi.js";
import type { Place } from "../../stack/workspace.js";

const state = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          type: z.string(),
          custom: z.boolean().optional(),
          outputs: z.record(z.string(), z.unknown()).optional(),
        }),
      )
      .optional(),
  }),
});

/** What a stack's state holds. */
export interface Recorded {
  /** Where its environment is, once an update has come so far, whether or not it succeeded. */
  readonly place: Readonly<Record<string, unknown>> | undefined;
  /** How many resources there are, components not counted. */
  readonly resources: number;
}

/** @throws PulumiError */
export async function readRecorded(stack: string, place: Place): Promise<Recorded> {
  const { deployment } = state.parse(JSON.parse(await askPulumi(stack, place, ["stack", "export"])));
  const resources = deployment.resources ?? [];
  return {
    place: resources.find(({ type }) => type === placeType)?.outputs,
    resources: resources.filter(({ custom }) => custom === true).length,
  };
}
