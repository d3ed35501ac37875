import type { ArchivedBackup, Database, PhysicalBackup } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { type BaseBackup, pgbackrest, readBaseBackups } from "./archive.js";
import { findDamageInSnapshot } from "../rds/kept.js";
import { baseForPoint } from "./moment.js";

/** Whether backups that lie elsewhere than in the store can still come back: in the archive, or at RDS. */
export class Archived {
  readonly #known = new Map<string, Promise<readonly BaseBackup[]>>();

  constructor(private readonly signal: AbortSignal) {}

  /** Why a backup cannot come back any more, or it is not known whether it can; `undefined`: a base backup leads to it. */
  async whyNot(physical: PhysicalBackup): Promise<string | undefined> {
    if (physical.method === "snapshot") return findDamageInSnapshot(physical, this.signal);
    const { stanza, restorePoint } = physical;
    const bases = await this.#basesOf(stanza).catch((error: unknown) => {
      this.signal.throwIfAborted();
      return messageOf(error);
    });
    if (typeof bases === "string") return `the archive that it lies in cannot be asked: ${bases}`;
    if (baseForPoint(restorePoint, bases) !== undefined) return undefined;
    return `no base backup that leads to ${restorePoint.at} is left in the archive (database.recoveryDays)`;
  }

  /**
   * Whether it is sure that a backup cannot come back any more; it is not where the archive cannot be asked, or has nothing yet, nor of a
   * DB snapshot, which may be in another account than that which was asked.
   */
  async isGone(physical: PhysicalBackup): Promise<boolean> {
    if (physical.method === "snapshot") return false;
    const { stanza, restorePoint } = physical;
    const bases = await this.#basesOf(stanza).catch(() => []);
    this.signal.throwIfAborted();
    return bases.length > 0 && baseForPoint(restorePoint, bases) === undefined;
  }

  #basesOf(stanza: string): Promise<readonly BaseBackup[]> {
    const known = this.#known.get(stanza) ?? readBaseBackups(stanza, this.signal);
    this.#known.set(stanza, known);
    return known;
  }
}

/**
 * Reads every byte of the base backup that leads to a backup, and of the archived log, again. Of a DB snapshot nobody can read any:
 * whether it is there, complete and encrypted.
 *
 * @returns what is wrong with them; `undefined`: nothing.
 */
export async function findDamageElsewhere(physical: PhysicalBackup, signal: AbortSignal): Promise<string | undefined> {
  return physical.method === "snapshot"
    ? findDamageInSnapshot(physical, signal)
    : findDamageInArchive(physical, signal);
}

async function findDamageInArchive(
  { stanza, restorePoint }: ArchivedBackup,
  signal: AbortSignal,
): Promise<string | undefined> {
  const base = baseForPoint(restorePoint, await readBaseBackups(stanza, signal));
  if (base === undefined) return `no base backup leads to ${restorePoint.at} any more`;
  const said = await pgbackrest(
    [`--stanza=${stanza}`, `--set=${base.label}`, "--output=text", "--verbose", "verify"],
    signal,
  );
  return /^\s*status: ok/m.test(said) ? undefined : `base backup ${base.label}: ${said.replace(/\s+/g, " ").trim()}`;
}

/**
 * The archive that `backup.method: pgbackrest` needs.
 *
 * @returns pgBackRest's name for the server
 * @throws PipelineError (`NO_ARCHIVE`, refused) where the environment has none.
 */
export function archiveOf(environment: string, { archive }: Pick<Database, "archive">): string {
  if (archive !== undefined) return archive.stanza;
  throw new PipelineError({
    code: "NO_ARCHIVE",
    kind: "refused",
    message: `backup.method is pgbackrest, and the log of the server of "${environment}" is not archived where this program could recover from it.`,
    state: "Nothing was touched.",
    next: "Set backup.method to dump; or, on an EC2 stack, database.recoveryDays above 0, whose next host then archives (docs/hosts.md).",
  });
}
