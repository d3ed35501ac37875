import { createHash, randomBytes } from "node:crypto";
import type { Tag } from "@aws-sdk/client-rds";

/**
 * What this program makes at RDS is named by its environment, so that a role can be let do so to these alone, and tagged with what it is.
 */
const prefix = "sm";

/** Begin of the names of DB snapshots of an environment. */
export function snapshotPrefix(environment: string): string {
  return `${prefix}-${environment}-backup-`;
}

/** Begin of the names of instances that are copies for a rehearsal, and are deleted by whoever finds them. */
export function copyPrefix(environment: string): string {
  return `${prefix}-${environment}-rehearse-`;
}

/** Begin of the names of instances that were restored for people, which nothing here deletes. */
export function besidePrefix(environment: string): string {
  return `${prefix}-${environment}-beside-`;
}

/** A name that no other has. */
export function snapshotName(environment: string, backup: string): string {
  return `${snapshotPrefix(environment)}${slug(backup, 60)}-${randomBytes(4).toString("hex")}`;
}

export function copyName(environment: string): string {
  return `${copyPrefix(environment)}${randomBytes(4).toString("hex")}`;
}

/** The same for the same source, so that a second command finds what the first has begun. */
export function besideName(environment: string, source: { readonly at: Date } | { readonly snapshot: string }): string {
  const of =
    "at" in source
      ? source.at.toISOString().replace(/\D/g, "").slice(2, 14)
      : createHash("sha256").update(source.snapshot).digest("hex").slice(0, 12);
  return `${besidePrefix(environment)}${of}`;
}

/** Lower-case letters, digits and single hyphens, none at either end, as RDS takes names. */
function slug(text: string, longest: number): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, longest)
    .replace(/^-+|-+$/g, "");
}

/** Keys of the tags; a role's rights go by some of them. */
export const tagKeys = {
  environment: "safe-migration:environment",
  /** The instance that it comes from. */
  instance: "safe-migration:instance",
  /**
   * `making`: a DB snapshot whose backup is not complete; `backup`: one whose is; `retired`: one that goes; `rehearsal`: a copy that goes
   * with the rehearsal; `beside`: an instance that somebody wanted.
   */
  purpose: "safe-migration:purpose",
  /** The backup that it is of, or the moment. */
  backup: "safe-migration:backup",
  run: "safe-migration:run",
} as const;
export type TagName = keyof typeof tagKeys;
export type Purpose = "making" | "backup" | "retired" | "rehearsal" | "beside";

export type Tags = Readonly<Record<TagName, string>> & { readonly purpose: Purpose };

export function toTags(tags: Partial<Tags>): Tag[] {
  return Object.entries(tags).map(([name, value]) => ({ Key: tagKeys[name as TagName], Value: value }));
}

/** The tags of this program on something; of others' nothing is read. */
export function fromTags(tags: readonly Tag[] = []): Partial<Record<TagName, string>> {
  const found: Partial<Record<TagName, string>> = {};
  for (const [name, key] of Object.entries(tagKeys) as [TagName, string][]) {
    const value = tags.find(({ Key }) => Key === key)?.Value;
    if (value !== undefined) found[name] = value;
  }
  return found;
}
