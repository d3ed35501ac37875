import { z } from "zod";
import { databaseSchema } from "./database.js";
import { resultFields } from "./request.js";

export const prepareRequest = z.strictObject({
  /** Name of the environment, which the database is marked with. */
  environment: z.string().min(1),
  run: z.string().min(1),
  /** As the administrator; `migrateAs` names the application's role. */
  database: databaseSchema.required({ migrateAs: true }),
  /** ARN of the secret that the application's password is kept in. */
  applicationSecret: z.string().min(1),
});
export type PrepareRequest = z.infer<typeof prepareRequest>;

export const prepareResult = z.strictObject({
  ...resultFields,
  stage: z.literal("prepare"),
  /** Whether the application was given a password in this run. */
  newPassword: z.boolean(),
});
export type PrepareResult = z.infer<typeof prepareResult>;
