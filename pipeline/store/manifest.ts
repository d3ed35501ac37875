import { createHash } from "node:crypto";
import { z } from "zod";
import { dbSnapshotSchema, identitySchema, physicalBackup } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { npmRun } from "../npmRun.js";
import { databaseNeedsSchema } from "../postgres/databaseNeeds.js";
import { databasePropertiesSchema } from "../postgres/databaseProperties.js";
import { fingerprintsSchema } from "../postgres/fingerprints.js";
import { touchedSchema } from "../postgres/touchedRows.js";

export const manifestName = "manifest.json";
/** The folder of a run in which its dump is. */
export const dumpFolder = "dump";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const fileSchema = z.strictObject({
  /** Relative to the run's folder, with `/`. */
  path: z.string().min(1),
  bytes: z.int().min(0),
  sha256,
});
export type BackupFile = z.infer<typeof fileSchema>;

/** A row of Prisma's history, as it stood in the backup's snapshot. */
export const historyRow = z.strictObject({
  name: z.string(),
  checksum: z.string(),
  finishedAt: z.string().nullable(),
  rolledBackAt: z.string().nullable(),
});

const manifestSchema = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  environment: z.string(),
  run: z.string(),
  /** Its name, where it is a checkpoint: retention never removes it. */
  checkpoint: z.string().optional(),
  created: z.iso.datetime(),
  identity: identitySchema,
  /** Size of the database with its indexes, in bytes. */
  databaseBytes: z.int(),
  /** What made the dump; absent where there is none. */
  tools: z.strictObject({ pgDump: z.string(), compression: z.string() }).optional(),
  /** Where the data is, where it is no dump beside this manifest; `files` is empty then. */
  physical: physicalBackup.optional(),
  /** A DB snapshot that was made beside the dump, a little later or earlier. */
  dbSnapshot: dbSnapshotSchema.optional(),
  migrations: z.array(historyRow),
  properties: databasePropertiesSchema,
  needs: databaseNeedsSchema,
  fingerprints: fingerprintsSchema,
  /**
   * Of a DB snapshot: the rows of the fingerprints that were written to while it was made; a copy may have them changed, and no others.
   * Absent where that is not known, as there were too many.
   */
  touched: touchedSchema.optional(),
  files: z.array(fileSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The manifest of a dump. */
export type DumpManifest = Manifest & { readonly tools: NonNullable<Manifest["tools"]> };

export function isDump(manifest: Manifest): manifest is DumpManifest {
  return manifest.physical === undefined && manifest.tools !== undefined;
}

/** @throws PipelineError (`NOT_A_DUMP`, refused) where it is none, for who can only load one. */
export function asDump(manifest: Manifest): DumpManifest {
  if (isDump(manifest)) return manifest;
  throw new PipelineError({
    code: "NOT_A_DUMP",
    kind: "refused",
    message: `Backup ${manifest.id} of "${manifest.environment}" is no dump: its data is in the archive of its own server (${manifest.physical?.method ?? "?"}).`,
    state: "Nothing was touched.",
    next: `Make a dump there, as a checkpoint is one whatever backup.method says: ${npmRun(manifest.environment, "db:checkpoint", "--name", "NAME")}; then run the same command.`,
  });
}

/** The manifest's text; its last field is the SHA-256 of all before it, so that a changed byte of its own shows as well. */
export function renderManifest(manifest: Manifest): string {
  // The schema's order of fields, so that the same manifest is always the same text.
  const ordered = manifestSchema.parse(manifest);
  const seal = hashText(JSON.stringify(ordered));
  return `${JSON.stringify({ ...ordered, seal }, null, 1)}\n`;
}

/** @throws PipelineError saying what is wrong with it, for a text that is not, byte for byte, one that was rendered. */
export function parseManifest(text: string, where: string): Manifest {
  const parsed = manifestSchema.extend({ seal: sha256 }).safeParse(parseJson(text, where));
  if (!parsed.success) throw damaged(where, `it is not what this program writes: ${firstLine(parsed.error)}`);
  const { seal: _seal, ...manifest } = parsed.data;
  if (renderManifest(manifest) !== text) throw damaged(where, "its own checksum does not hold");
  if ((manifest.tools === undefined) === (manifest.physical === undefined))
    throw damaged(where, "it does not say how its data was made");
  return manifest;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(where, "it ends too early or is no JSON");
  }
}

function firstLine(error: z.ZodError): string {
  return z.prettifyError(error).split("\n").slice(0, 2).join(" ");
}

export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A file of a backup is not what it was when the backup was made. */
export function damaged(where: string, reason: string): PipelineError {
  return new PipelineError({
    code: "BACKUP_DAMAGED",
    kind: "refused",
    message: `${where} is damaged: ${reason}.`,
    state: "Nothing was touched. This backup cannot be trusted; the others are not concerned.",
    next: "List the backups (npm run db:restore -- --list) and take another one, or make a new one (npm run db:backup).",
  });
}
