import { z } from "zod";

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const clock = z
  .string()
  .regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, "a time of day in quotes, hours and minutes: 00:00 to 24:00");

const openHours = z
  .strictObject({
    /** The days on which it opens. Default: each. */
    days: z
      .array(z.enum(weekdays))
      .min(1)
      .default([...weekdays]),
    from: clock.refine((time) => time !== "24:00", "24:00 is the end of a day: use 00:00"),
    /** Before `from`: of the next day. */
    to: clock,
  })
  .refine(({ from, to }) => from !== to, 'from and to are equal; a whole day is from "00:00" to "24:00"');

/** When migrations may be applied. */
export const windowSettings = z.strictObject({
  /** Name in the IANA time zone database, which knows when clocks are changed: `America/Bogota`. */
  timeZone: z.string().refine(isTimeZone, "no time zone of the IANA database, such as America/Bogota").default("UTC"),
  /** Empty: at any time. */
  open: z.array(openHours).default([]),
  /** `pending`: only a run with a pending migration is held to it; `every`: each run is. */
  appliesTo: z.enum(["pending", "every"]).default("pending"),
  /** Asks, beside the hours, that the database has little to do; measured by preflight. */
  lowTraffic: z
    .strictObject({
      /** At most as many transactions a second in this database (`pg_stat_database`). */
      transactionsPerSecond: z.number().min(0),
      /** For how long they are counted, in seconds; PostgreSQL brings its figures up to date each second. */
      sampleSeconds: z.number().min(2).max(60).default(5),
    })
    .optional(),
});
export type WindowSettings = z.infer<typeof windowSettings>;

/** A person's word that a run is not held to the window. */
export const windowOverride = z.strictObject({
  reason: z.string().min(1),
  by: z.string().min(1),
  at: z.iso.datetime(),
});
export type WindowOverride = z.infer<typeof windowOverride>;

/** What preflight found, for the evidence. */
export const windowRecord = z.strictObject({
  state: z.enum(["notAsked", "open", "overridden"]),
  /** For people: until when, or why not asked. */
  note: z.string(),
  /** Set where the state is `overridden`. */
  override: windowOverride.optional(),
  /** Set where it was measured. */
  transactionsPerSecond: z.number().min(0).optional(),
});
export type WindowRecord = z.infer<typeof windowRecord>;

function isTimeZone(name: string): boolean {
  // An offset such as +05:00 has no rule for when clocks are changed.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
