/**
 * Where backups and the evidence of runs are kept. Each run has one folder, `<environment>/<run>/`: the backup's files,
 * `manifest.json` (written last, so that a half backup is never taken for one), results, log and report.
 * Paths are relative, with `/`.
 */
export interface Store {
  /** The store's URL, for messages and results. */
  readonly url: string;
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
  /** Bytes that can still be written; undefined where the store has no end that can be asked for. */
  free(): Promise<number | undefined>;
  /**
   * A folder on this machine in which a program (`pg_dump`) may write the files of `path`. `publish` puts them in the
   * store, `discard` drops them; in a folder store they are written in place. Of two that stage the same path at once, one
   * is refused (PipelineError `STORE_OCCUPIED`).
   */
  stage(path: string): Promise<Staging>;
  /** A folder on this machine that holds the files of `path`, fetched where the store is elsewhere. */
  fetch(path: string): Promise<Fetched>;
  /**
   * Drops what a process that has died left staged at `path`; what a living one is writing stays.
   *
   * @returns whether there was anything to drop.
   */
  dropAbandoned(path: string): Promise<boolean>;
}

export interface Staging {
  readonly directory: string;
  publish(): Promise<void>;
  discard(): Promise<void>;
}

export interface Fetched {
  readonly directory: string;
  release(): Promise<void>;
}
