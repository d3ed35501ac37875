import { z } from "zod";

const prefix = "checkpoint-";

/** A checkpoint's name: part of its backup's identifier, which is the name of a folder. */
export const checkpointName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,47}$/, "letters, digits, - and _ only, at most 48")
  .refine((name) => name !== "newest", '"newest" means the newest one');

/** The identifier of the backup that is the checkpoint of this name: there can be no second one. */
export function checkpointId(name: string): string {
  return `${prefix}${name}`;
}
