import type { Finding, RepairStep } from "../contracts.js";

/** Something that is wrong, with what would mend it where that can be done by a program. */
export interface Found extends Finding {
  readonly repair?: RepairStep;
}

/** A look at one thing. */
export interface Look {
  /** What is looked at, as a person would say it. */
  readonly what: string;
  look(): Promise<Found[]>;
}
