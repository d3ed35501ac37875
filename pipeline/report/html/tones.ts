import type { Standing } from "../verdict.js";

export type Tone = "good" | "warn" | "bad" | "quiet";

/** The colour that a run is shown in; words say the same. */
export const tones: Readonly<Record<Standing, Tone>> = {
  verified: "good",
  warnings: "good",
  refused: "warn",
  unchanged: "warn",
  changed: "bad",
  restored: "warn",
  "under way": "quiet",
};
