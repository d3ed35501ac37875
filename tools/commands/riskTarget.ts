import { ConfigError } from "../../config.js";
import { PipelineError } from "../../pipeline/errors.js";
import { environmentOf } from "../../pipeline/npmRun.js";
import { StackFileError } from "../stack/stackFile.js";
import { type Target, readTarget } from "./target.js";

/**
 * The project and settings by which migrations are judged. A stack whose region, keys and addresses are still to be set has them as
 * well, and so has a clone that knows none of its secrets.
 *
 * @param stack default: as `NODE_ENV` says.
 * @throws PipelineError (`usage`) with every mistake of the configuration.
 */
export function riskTarget(stack: string | undefined): Target {
  try {
    return readTarget(stack ?? environmentOf(process.env["NODE_ENV"]), { whole: false });
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StackFileError)) throw error;
    const [state, next] =
      error instanceof StackFileError
        ? [error.state, error.next]
        : ["Nothing was touched.", "Mend the configuration, then run the same command."];
    throw new PipelineError({ code: "RISK_CONFIG", kind: "usage", message: error.message, state, next });
  }
}
