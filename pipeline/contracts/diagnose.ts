import { z } from "zod";
import { resultFields, stageRequest } from "./request.js";
import { findingSchema } from "./verify.js";

/** What mends a finding. */
export const repairStep = z.strictObject({
  /** In a sentence. */
  what: z.string(),
  /** `transaction`: all of it or nothing; `alone`: each statement for itself, since PostgreSQL takes it in no transaction. */
  mode: z.enum(["transaction", "alone"]),
  statements: z.array(z.string()).min(1),
  /** How to take it back; absent where there is nothing to take back. */
  undo: z.string().optional(),
});
export type RepairStep = z.infer<typeof repairStep>;

export const diagnosedFinding = findingSchema.extend({ repair: repairStep.optional() });

export const diagnoseRequest = stageRequest.extend({
  /** Do not read every table and index for corruption, which takes about as long as a backup. */
  quick: z.boolean().default(false),
});
export type DiagnoseRequest = z.infer<typeof diagnoseRequest>;

export const diagnoseResult = z.strictObject({
  ...resultFields,
  stage: z.literal("diagnose"),
  /** What was looked at. */
  looked: z.array(z.string()),
  errors: z.int(),
  warnings: z.int(),
  findings: z.array(diagnosedFinding),
});
export type DiagnoseResult = z.infer<typeof diagnoseResult>;

export const repairRequest = stageRequest.extend({
  /** Do it; otherwise the plan is only shown. */
  apply: z.boolean().default(false),
  quick: z.boolean().default(false),
});
export type RepairRequest = z.infer<typeof repairRequest>;

export const repairResult = z.strictObject({
  ...resultFields,
  stage: z.literal("repair"),
  applied: z.boolean(),
  /** The backup that was made before; absent where nothing was applied. */
  backup: z.string().optional(),
  steps: z.array(
    repairStep.extend({
      check: z.string(),
      message: z.string(),
      outcome: z.enum(["planned", "done", "failed"]),
      /** Why it failed. */
      reason: z.string().optional(),
      durationMs: z.int(),
    }),
  ),
  /** What is left, and what only a person can mend. */
  left: z.array(findingSchema),
});
export type RepairResult = z.infer<typeof repairResult>;
