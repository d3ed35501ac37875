import { randomUUID } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { PipelineError, messageOf } from "../../errors.js";
import { inParallel } from "../../postgres/interrupt.js";
import { diskFull } from "../../diskFull.js";
import { occupied } from "../folder.js";
import { listFiles } from "../hashFiles.js";
import { currentOwner, isHeld } from "../../owner.js";
import { checkPath } from "../path.js";
import type { Fetched, Staging, Store, TransferOptions } from "../store.js";
import { type Bucket, lazyBucket } from "./client.js";
import { downloadInto } from "./download.js";
import { explainS3, isPreconditionFailed } from "./errors.js";
import { type Halfway, freeAt, halfwayRoot, makeHalfway } from "./halfway.js";
import { abortUploads, deleteObjects, getText, listNames, listObjects, putText } from "./objects.js";
import { type PatienceOptions, patiently, patienceMs } from "./patience.js";
import { uploadFile } from "./upload.js";
import { type S3Location, parseS3Url } from "./url.js";

/** Beside what is staged: who is writing it. */
const ownerSuffix = ".owner.json";
/** How long objects without an owner's file may be a backup whose manifest is about to be written, in milliseconds. */
const graceMs = 10 * 60_000;
/** How long an outage at the very beginning is sat out, in milliseconds. */
const firstPatienceMs = 5_000;
/** Files that are uploaded at once. */
const parallelFiles = 4;

/** A store in a bucket of S3, or of another service with its API: `s3://bucket/prefix?region=eu-west-1`. */
export function openS3Store(url: string, options: { patienceMs?: number } = {}): Store {
  const location = parseS3Url(url);
  return new S3Store(location, lazyBucket(location), options.patienceMs);
}

class S3Store implements Store {
  readonly url: string;
  readonly stagedIn: string;
  #answered = false;
  readonly #held = new Map<string, { readonly made: Promise<Halfway>; count: number }>();

  constructor(
    private readonly location: S3Location,
    private readonly bucket: () => Promise<Bucket>,
    private readonly patienceMs: number | undefined,
  ) {
    this.url = `s3://${location.bucket}${location.prefix === "" ? "" : `/${location.prefix}`}`;
    this.stagedIn = halfwayRoot(location.staging);
  }

  urlOf(path: string): string {
    checkPath(path);
    return `${this.url}/${path}`;
  }

  write(path: string, content: string): Promise<void> {
    return this.#ask((bucket) => putText(bucket, this.#key(path), content));
  }

  read(path: string): Promise<string | undefined> {
    return this.#ask((bucket) => getText(bucket, this.#key(path)));
  }

  list(folder: string): Promise<string[]> {
    return this.#ask((bucket) => listNames(bucket, `${this.#key(folder)}/`));
  }

  remove(path: string): Promise<void> {
    return this.#ask((bucket) => this.#remove(bucket, path));
  }

  free(): Promise<number> {
    return this.#explained(() => freeAt(this.stagedIn));
  }

  async stage(path: string): Promise<Staging> {
    await this.#claim(path);
    const halfway = await this.#explained(() => makeHalfway(this.stagedIn));
    const letGo = () => this.#ask((bucket) => deleteObjects(bucket, [`${this.#key(path)}${ownerSuffix}`]));
    return {
      directory: halfway.directory,
      publish: async (options = {}) => {
        await this.#explained(async () => this.#upload(await this.bucket(), path, halfway.directory, options));
        await letGo();
        await halfway.remove();
      },
      discard: async () => {
        await halfway.remove();
        await this.#ask(async (bucket) => {
          await abortUploads(bucket, `${this.#key(path)}/`);
          await this.#remove(bucket, path);
        });
        await letGo();
      },
    };
  }

  async fetch(path: string, options: TransferOptions = {}): Promise<Fetched> {
    const key = this.#key(path);
    const held = this.#held.get(key) ?? { made: this.#download(path, options), count: 0 };
    this.#held.set(key, held);
    held.count++;
    const release = async () => {
      if (--held.count > 0) return;
      this.#held.delete(key);
      await (await held.made).remove();
    };
    try {
      const { directory } = await held.made;
      return { directory, release };
    } catch (error) {
      this.#held.delete(key);
      throw error;
    }
  }

  dropAbandoned(path: string): Promise<boolean> {
    return this.#ask(async (bucket) => {
      const key = this.#key(path);
      const text = await getText(bucket, `${key}${ownerSuffix}`);
      const objects = await listObjects(bucket, `${key}/`);
      if (text === undefined && objects.length === 0) return false;
      if (await isHeld(text)) return false;
      const newest = Math.max(0, ...objects.map(({ modified }) => modified.getTime()));
      if (text === undefined && Date.now() - newest < graceMs) return false;
      await abortUploads(bucket, `${key}/`);
      await deleteObjects(bucket, [...objects.map((object) => object.key), `${key}${ownerSuffix}`]);
      return true;
    });
  }

  #key(path: string): string {
    const { prefix } = this.location;
    return [...(prefix === "" ? [] : [prefix]), ...checkPath(path)].join("/");
  }

  /** Of two that claim the same path, S3 lets one write the owner's file (`If-None-Match`). */
  async #claim(path: string): Promise<void> {
    const key = this.#key(path);
    const mine = JSON.stringify({ ...(await currentOwner()), token: randomUUID() });
    await this.#ask(async (bucket) => {
      if ((await listNames(bucket, `${key}/`)).length > 0) throw occupied(path);
      try {
        await putText(bucket, `${key}${ownerSuffix}`, mine, { onlyIfNew: true });
      } catch (error) {
        // Tried again after its answer was lost, the request meets what it wrote itself.
        if (!isPreconditionFailed(error)) throw error;
        if ((await getText(bucket, `${key}${ownerSuffix}`)) !== mine) throw occupied(path, error);
      }
    });
  }

  async #remove(bucket: Bucket, path: string): Promise<void> {
    const key = this.#key(path);
    const below = await listObjects(bucket, `${key}/`);
    await deleteObjects(bucket, [key, ...below.map((object) => object.key)]);
  }

  async #upload(bucket: Bucket, path: string, directory: string, options: TransferOptions): Promise<void> {
    const files = await listFiles(directory);
    const sizes = new Map<string, number>();
    const follow = await progressOf(directory, files, options);
    const patience = this.#patience(options);
    await inParallel(files, parallelFiles, async (file) => {
      const key = `${this.#key(path)}/${file.path}`;
      let sent = 0;
      await uploadFile(bucket, key, join(directory, file.path), patience, (bytes) => {
        sent += bytes;
        follow(bytes);
      });
      sizes.set(key, sent);
    });
    const there = new Map((await listObjects(bucket, `${this.#key(path)}/`)).map(({ key, bytes }) => [key, bytes]));
    for (const [key, bytes] of sizes)
      if (there.get(key) !== bytes)
        throw new Error(`${key} has ${there.get(key) ?? "no"} bytes in the store, ${bytes} were sent`);
  }

  async #download(path: string, options: TransferOptions): Promise<Halfway> {
    const prefix = `${this.#key(path)}/`;
    const objects = await this.#ask((bucket) => listObjects(bucket, prefix));
    const total = objects.reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#explained(async () => {
      const free = await freeAt(this.stagedIn);
      if (free < total) throw noRoom(this.urlOf(path), this.stagedIn, total, free);
      const halfway = await makeHalfway(this.stagedIn);
      try {
        const inner = join(halfway.directory, "dump");
        if (objects.length > 0) await mkdir(inner, { mode: 0o700 });
        let done = 0;
        await downloadInto(await this.bucket(), prefix, objects, inner, this.#patience(options), (bytes) => {
          done += bytes;
          options.onProgress?.(done / (total || 1));
        });
        return { directory: inner, remove: halfway.remove };
      } catch (error) {
        await halfway.remove();
        throw error;
      }
    });
  }

  /** Before S3 has answered once, what is wrong is more likely mistyped than an outage. */
  #patience({ signal, onTrouble }: TransferOptions = {}): PatienceOptions {
    return {
      signal,
      patienceMs: this.patienceMs ?? (this.#answered ? patienceMs : firstPatienceMs),
      onRetry: (error, pauseMs) =>
        onTrouble?.(`${this.url}: ${messageOf(error)}; going on from there in ${Math.ceil(pauseMs / 1000)} s`),
    };
  }

  /** A request or a few, tried again after an outage as a whole. */
  #ask<T>(work: (bucket: Bucket) => Promise<T>): Promise<T> {
    return this.#explained(async () => {
      const bucket = await this.bucket();
      const result = await patiently(() => work(bucket), this.#patience());
      this.#answered = true;
      return result;
    });
  }

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOSPC" || code === "EDQUOT") throw diskFull(this.stagedIn, error);
      throw explainS3(error, this.location);
    }
  }
}

async function progressOf(
  directory: string,
  files: readonly { path: string }[],
  { onProgress }: TransferOptions,
): Promise<(bytes: number) => void> {
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(join(directory, path))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0) || 1;
  let done = 0;
  return (bytes) => onProgress?.((done += bytes) / total);
}

function noRoom(what: string, where: string, needed: number, free: number): PipelineError {
  const mb = (bytes: number) => `${Math.ceil(bytes / 1_048_576)} MB`;
  return new PipelineError({
    code: "DISK_SPACE",
    kind: "refused",
    message: `${what} has ${mb(needed)}, and ${where}, where it would be fetched to, has ${mb(free)} free.`,
    state: "Nothing was touched.",
    next: "Free space there, or name another folder (store.staging), then run the same command.",
  });
}
