import type { Logger } from "./log.js";

/** What a stage is given beside its request. */
export interface StageContext {
  readonly log: Logger;
  /** Aborted when the run is to stop (Ctrl-C, SIGTERM); a stage then rolls back and throws. */
  readonly signal: AbortSignal;
}
