import type { Measured } from "./contracts.js";
import type { Logger } from "./log.js";

/** What a stage is given beside its request. */
export interface StageContext {
  readonly log: Logger;
  /** Aborted when the run is to stop (Ctrl-C, SIGTERM); a stage then rolls back and throws. */
  readonly signal: AbortSignal;
  /** Keeps what was measured for the record of a stage that fails; that of one that ends well has it in its result. */
  readonly measured?: (measured: Measured) => void;
}
