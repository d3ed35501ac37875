import { clearInterval, setInterval } from "node:timers";

/** What set-up tells a person: always on standard error, so that standard output stays the script's own. */

export function say(message) {
  process.stderr.write(`set-up: ${message}\n`);
}

/** Seconds in a form to read: `0.4 s`, `12 s`, `2 min 05 s`. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/**
 * Does one piece of work, saying what is done, every ten seconds that it still goes on, and how long it took.
 *
 * @template T
 * @param {string} what for example `installing the Node packages`
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const start = Date.now();
  say(`${what} …`);
  const beat = setInterval(() => say(`${what}: still at it after ${duration(Date.now() - start)}`), 10_000);
  try {
    const result = await work();
    say(`${what}: done in ${duration(Date.now() - start)}`);
    return result;
  } finally {
    clearInterval(beat);
  }
}

/** Set-up cannot go on. The message names the thing, the reason and the remedy; it is all that is printed. */
export class SetupError extends Error {}
