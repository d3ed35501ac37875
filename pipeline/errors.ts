/**
 * How a stage ends, told by its exit code, so that a caller can tell *nothing was changed* from *something was changed*
 * without reading a message.
 */
export const exitCodes = {
  /** The stage did what it was asked to. */
  ok: 0,
  /** A defect of this program; what was changed is unknown. */
  defect: 1,
  /** The request, a flag or the configuration is wrong. Nothing was touched. */
  usage: 2,
  /** The stage refused before it touched anything. */
  refused: 3,
  /** The stage failed, and left everything as it was. */
  failedUnchanged: 4,
  /** The stage failed after it had changed something. */
  failedChanged: 5,
  /** Stopped by a signal; what it was doing was rolled back. */
  interrupted: 130,
} as const;

/** How a failure relates to what was there before it. */
export type FailureKind = Exclude<keyof typeof exitCodes, "ok">;

/** What every failure tells: what happened and why, the state things are in, the command to run next. */
export interface FailureDetails {
  /** Stable name in capitals, for programs; e.g. `BACKUP_CHECKSUM`. */
  readonly code: string;
  readonly kind: FailureKind;
  /** What happened: names the thing and the reason. */
  readonly message: string;
  /** The state things are in now: what is there, what was changed. */
  readonly state: string;
  /** The exact command to run next, or what to mend before it. */
  readonly next: string;
  /** Set where the database was taken back to what it was before the run, by the run itself. */
  readonly wentBack?: boolean;
}

/** A failure that was foreseen: a person is told what happened, what state things are in and what to run next. */
export class PipelineError extends Error implements FailureDetails {
  readonly code: string;
  readonly kind: FailureKind;
  readonly state: string;
  readonly next: string;
  readonly wentBack?: boolean;

  constructor(details: FailureDetails, options?: { cause?: unknown }) {
    super(details.message, options);
    this.name = "PipelineError";
    this.code = details.code;
    this.kind = details.kind;
    this.state = details.state;
    this.next = details.next;
    if (details.wentBack === true) this.wentBack = true;
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }

  toJSON(): FailureDetails {
    const { code, kind, message, state, next, wentBack } = this;
    return { code, kind, message, state, next, ...(wentBack === true ? { wentBack } : {}) };
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
