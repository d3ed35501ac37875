import { z } from "zod";
import type { MigrateResult } from "../contracts.js";
import type { RunEvidence } from "./evidence.js";

export type Done = Pick<MigrateResult["applied"][number], "durationMs" | "attempts" | "restorePoint">;

const appliedLine = z.looseObject({ ms: z.number(), attempts: z.number().default(1) });

/** The migrations that a run applied, by name; of one whose migrate failed later, from its log. */
export function appliedIn({ stages, results }: Pick<RunEvidence, "stages" | "results">): Map<string, Done> {
  if (results.migrate !== undefined) return new Map(results.migrate.applied.map((one) => [one.name, one]));
  const log = stages.find(({ name }) => name === "migrate")?.log ?? [];
  return new Map(
    log.flatMap((line): [string, Done][] => {
      const name = /^(\S+) applied$/.exec(line.message)?.[1];
      const figures = appliedLine.safeParse(line);
      if (name === undefined || !figures.success) return [];
      return [[name, { durationMs: figures.data.ms, attempts: figures.data.attempts }]];
    }),
  );
}
