import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { inParallel } from "../../postgres/interrupt.js";
import { checkPath } from "../path.js";
import type { Bucket } from "./client.js";
import type { ListedObject } from "./objects.js";
import { type PatienceOptions, patiently } from "./patience.js";

/** Pieces in which files are fetched, several at once; each is streamed to its place in the file. */
const pieceBytes = 32 * 1_048_576;
const parallelPieces = 6;

/**
 * Fetches objects into a folder, under the rest of their keys. A connection that breaks is taken up again where it broke; an object
 * that somebody changes meanwhile fails the whole (`If-Match`).
 *
 * @throws PipelineError (`STORE_PATH`) for a key that would lead out of the folder.
 */
export async function downloadInto(
  bucket: Bucket,
  prefix: string,
  objects: readonly ListedObject[],
  directory: string,
  patience: PatienceOptions,
  onPiece: (bytes: number) => void,
): Promise<void> {
  const files = await Promise.all(
    objects.map(async (object) => {
      const path = join(directory, ...checkPath(object.key.slice(prefix.length)));
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, "", { flag: "wx", mode: 0o600 });
      return { object, path };
    }),
  );
  const pieces = files.flatMap(({ object, path }) =>
    Array.from({ length: Math.ceil(object.bytes / pieceBytes) }, (_, at) => ({
      object,
      path,
      start: at * pieceBytes,
      end: Math.min(object.bytes, (at + 1) * pieceBytes),
    })),
  );
  await inParallel(pieces, parallelPieces, async (piece) => {
    await fetchPiece(bucket, piece, patience);
    onPiece(piece.end - piece.start);
  });
}

interface Piece {
  readonly object: ListedObject;
  readonly path: string;
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

async function fetchPiece(bucket: Bucket, piece: Piece, patience: PatienceOptions): Promise<void> {
  const file = await open(piece.path, "r+");
  try {
    let at = piece.start;
    await patiently(async () => {
      for await (const chunk of await bodyFrom(bucket, piece, at, patience.signal)) {
        await writeAll(file, chunk, at);
        at += chunk.length;
      }
      // A connection that was cut without an error.
      if (at < piece.end) throw Object.assign(new Error("the connection ended too early"), { code: "ECONNRESET" });
    }, patience);
  } finally {
    await file.close();
  }
}

async function bodyFrom({ sdk, client, name }: Bucket, { object, end }: Piece, at: number, signal?: AbortSignal) {
  const range = `bytes=${at}-${end - 1}`;
  const { Body: body } = await client.send(
    new sdk.GetObjectCommand({ Bucket: name, Key: object.key, Range: range, IfMatch: object.etag }),
    { abortSignal: signal },
  );
  if (!(body instanceof Readable)) throw new Error("the answer of S3 has no body");
  return body as AsyncIterable<Buffer>;
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}
