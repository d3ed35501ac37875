import { z } from "zod";
import { PipelineError, messageOf } from "../errors.js";
import { run } from "../process.js";

/** A base backup that pgBackRest has. */
export interface BaseBackup {
  readonly label: string;
  /** When it was complete, in milliseconds since the epoch: the earliest moment that it leads to. */
  readonly completeMs: number;
  /** The place in the log from which on it leads anywhere; absent where pgBackRest does not tell. */
  readonly stop?: string;
  /** Size of the server's files, in bytes. */
  readonly bytes: number;
  /** What it added to the archive, in bytes. */
  readonly added: number;
}

const infoSchema = z.array(
  z.object({
    name: z.string(),
    status: z.object({ code: z.int(), message: z.string() }),
    backup: z
      .array(
        z.object({
          label: z.string(),
          error: z.boolean().optional(),
          timestamp: z.object({ stop: z.int() }),
          lsn: z.object({ stop: z.string().nullish() }).nullish(),
          info: z.object({ size: z.int(), repository: z.object({ delta: z.int().default(0) }) }),
        }),
      )
      .default([]),
  }),
);

/**
 * The base backups of a stanza that can be trusted, oldest first.
 *
 * @throws PipelineError where pgBackRest is not there, or does not know the stanza.
 */
export async function readBaseBackups(stanza: string, signal: AbortSignal): Promise<BaseBackup[]> {
  const text = await pgbackrest(["--output=json", `--stanza=${stanza}`, "info"], signal);
  return parseBaseBackups(text, stanza);
}

/** @param text what `pgbackrest info --output=json` prints */
export function parseBaseBackups(text: string, stanza: string): BaseBackup[] {
  const found = infoSchema.parse(JSON.parse(text)).find(({ name }) => name === stanza);
  if (found === undefined || found.backup.length === 0)
    throw failed(`it has no base backup of "${stanza}" yet${found === undefined ? "" : ` (${found.status.message})`}`);
  return found.backup
    .filter(({ error }) => error !== true)
    .map(({ label, timestamp, lsn, info }) => ({
      label,
      completeMs: timestamp.stop * 1_000,
      ...(typeof lsn?.stop === "string" ? { stop: lsn.stop } : {}),
      bytes: info.size,
      added: info.repository.delta,
    }))
    .sort((a, b) => a.completeMs - b.completeMs);
}

/** Runs pgBackRest to its end. @returns what it printed. @throws PipelineError with its own words. */
export async function pgbackrest(
  args: readonly string[],
  signal: AbortSignal,
  onLine?: (line: string) => void,
): Promise<string> {
  const result = await run("pgbackrest", ["--log-level-console=off", "--log-level-stderr=info", ...args], {
    signal,
    ...(onLine === undefined ? {} : { onStderr: onLine }),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw failed(messageOf(error));
  });
  signal.throwIfAborted();
  if (result.exitCode === 0) return result.stdout;
  const said = result.stderr.split("\n").filter((line) => !/ (INFO|DETAIL): /.test(line));
  throw failed(said.slice(-6).join(" ").replace(/\s+/g, " ").trim());
}

function failed(reason: string): PipelineError {
  return new PipelineError({
    code: "ARCHIVE_UNREADABLE",
    kind: "failedUnchanged",
    message: `The archive of the server's log could not be used: ${reason}.`,
    state: "The database is as it was; what was begun beside it is removed.",
    next: "On the host, sudo -u postgres pgbackrest info and … check say what is wrong with it; then run the same command.",
  });
}
