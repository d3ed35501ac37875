/** How much attention a change needs, lowest first. */
export const tiers = ["safe", "risky", "dangerous"] as const;
export type Tier = (typeof tiers)[number];

/** Building an index on less than this takes seconds, within the time a migration waits for a lock by default. */
export const defaultLargeTableBytes = 100 * 1024 ** 2;
