import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../pipeline/contracts.js";
import { decideWindow, isAsked } from "../pipeline/window/decide.js";

/** What a preview says of the maintenance window at this moment; `undefined` where the run is not held to one. */
export function describeWindow(window: Settings["window"], pending: number, at: Date): string | undefined {
  if (!isAsked({ window, pending })) return undefined;
  const decision = decideWindow({ window, pending, at });
  if (decision.kind === "refused") return `Preflight would refuse now: ${decision.reason}.`;
  const { record } = decision;
  const traffic = window.lowTraffic === undefined ? "" : "; preflight measures the traffic";
  return record.override === undefined
    ? `As of now, ${record.note}${traffic}.`
    : `${record.note}; run nevertheless, on the word of ${record.override.by}: ${record.override.reason}`;
}

/** Says it in the engine's log. Nothing is refused here: the update may come at another time than its preview. */
export async function reportWindow(window: Settings["window"], pending: number): Promise<void> {
  const said = describeWindow(window, pending, new Date());
  if (said !== undefined) await pulumi.log.info(said);
}
