import { randomInt } from "node:crypto";

/** Numbers that look random and are the same for the same seed: `SEED` of the environment, or a new one. */
export function random(): { readonly seed: number; readonly below: (limit: number) => number } {
  const given = Number(process.env["SEED"]);
  const seed = Number.isInteger(given) && given > 0 ? given : randomInt(1, 2 ** 31);
  let state = seed >>> 0;
  return {
    seed,
    /** An integer from 0 to `limit` less 1, by mulberry32. */
    below(limit) {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
    },
  };
}
