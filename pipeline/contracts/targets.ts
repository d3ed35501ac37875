import { z } from "zod";

/** What runs are held against in reports, with the plan's own aims ("Métricas de éxito") as defaults; nothing is refused or stopped for them. */
export const targetSettings = z.strictObject({
  /** Time of a run whose pending migrations are all safe, in minutes. */
  simpleMinutes: z.number().min(0.01).default(5),
  /** Time of a run that applies one that is risky or dangerous, in minutes. */
  complexMinutes: z.number().min(0.01).default(30),
  /** Share of the days of a report in which migrations left the application served, in percent. */
  availabilityPercent: z.number().min(0).max(100).default(99.9),
});
export type Targets = z.infer<typeof targetSettings>;
