import type { LastRun } from "../components/lastRun.js";
import type { Settings, WindowOverride } from "../pipeline/contracts.js";
import { nowVariable } from "../pipeline/window/assert.js";
import { whoAmI } from "./approve/person.js";

/**
 * The word of who starts this run that it is not held to the maintenance window; `undefined` where none was given.
 *
 * @param folder the checkout, whose git knows who that is.
 */
export function readOverride(folder: string, env: NodeJS.ProcessEnv = process.env): WindowOverride | undefined {
  const reason = env[nowVariable]?.trim() ?? "";
  return reason === "" ? undefined : { reason, by: whoAmI(folder, env), at: new Date().toISOString() };
}

/** The override of a run: its own, or that of the last run where that is kept, whose requests must stay as they were. */
export function overrideOf(
  run: string,
  last: LastRun | undefined,
  given: WindowOverride | undefined,
): WindowOverride | undefined {
  return run === last?.run ? last.now : given;
}

export function withOverride(settings: Settings, now: WindowOverride | undefined): Settings {
  return now === undefined ? settings : { ...settings, window: { ...settings.window, now } };
}
