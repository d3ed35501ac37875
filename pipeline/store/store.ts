/**
 * Where backups and the evidence of runs are kept. Each run has one folder, `<environment>/<run>/`: the backup's files,
 * `manifest.json` (written last, so that a half backup is never taken for one), results, log and report.
 * Paths are relative, with `/`.
 */
export interface Store {
  /** The store's URL, for messages and results. */
  readonly url: string;
  /** Where on this machine a dump is written before it is in the store; for messages. */
  readonly stagedIn: string;
  /** URL of one path in the store. */
  urlOf(path: string): string;
  /** Writes a small file whole: it is there complete or not at all. */
  write(path: string, content: string): Promise<void>;
  /** A small file's text; `undefined` where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Names directly under a folder, folders with a `/` at their end; empty where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Removes a folder and what is in it, or a file; none there is no error. */
  remove(path: string): Promise<void>;
  /** Bytes of a dump that can still be staged. */
  free(): Promise<number>;
  /**
   * A folder on this machine in which a program (`pg_dump`) may write the files of `path`. `publish` puts them in the
   * store, `discard` drops them; in a folder store they are written in place. Of two that stage the same path at once, one
   * is refused (PipelineError `STORE_OCCUPIED`).
   */
  stage(path: string): Promise<Staging>;
  /**
   * A folder on this machine that holds the files of `path`, fetched where the store is elsewhere. While it is held, who else
   * fetches the path of the same store is given the same files.
   */
  fetch(path: string, options?: TransferOptions): Promise<Fetched>;
  /**
   * Drops what a process that has died left staged at `path`; what a living one is writing stays.
   *
   * @returns whether there was anything to drop.
   */
  dropAbandoned(path: string): Promise<boolean>;
}

/** For what may take long where the store is elsewhere. */
export interface TransferOptions {
  readonly signal?: AbortSignal;
  /** Called with the share of bytes that have arrived, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
  /** Called with what went wrong and will be tried again. */
  readonly onTrouble?: (message: string) => void;
}

export interface Staging {
  readonly directory: string;
  publish(options?: TransferOptions): Promise<void>;
  discard(): Promise<void>;
}

export interface Fetched {
  readonly directory: string;
  release(): Promise<void>;
}
