import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { inParallel } from "../../postgres/interrupt.js";
import type { Bucket } from "./client.js";
import { type PatienceOptions, patiently } from "./patience.js";

/** Smallest size of a part, and how many parts S3 takes. */
const partBytes = 8 * 1_048_576;
const mostParts = 10_000;
/** Parts of one file that are under way at once; each is in memory. */
const parallelParts = 4;

/** Size of each part of a file, so that there are not more of them than S3 takes. */
export function partSize(bytes: number): number {
  return Math.max(partBytes, Math.ceil(bytes / mostParts));
}

/**
 * Uploads a file, in parts if it is large. Each part carries its SHA-256, which S3 compares with what arrived. After an outage
 * only the parts that are missing are sent again; an upload that fails for good leaves no parts behind.
 *
 * @param onPart called with the bytes of each part that has arrived.
 */
export async function uploadFile(
  bucket: Bucket,
  key: string,
  path: string,
  patience: PatienceOptions,
  onPart: (bytes: number) => void,
): Promise<void> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size <= partSize(size)) await putWhole(bucket, key, file, size, patience, onPart);
    else await putParts(bucket, key, file, size, patience, onPart);
  } finally {
    await file.close();
  }
}

async function putWhole(
  { sdk, client, name }: Bucket,
  key: string,
  file: FileHandle,
  size: number,
  patience: PatienceOptions,
  onPart: (bytes: number) => void,
): Promise<void> {
  const body = await readPart(file, 0, size);
  const checksum = sha256(body).toString("base64");
  await patiently(
    () =>
      client.send(new sdk.PutObjectCommand({ Bucket: name, Key: key, Body: body, ChecksumSHA256: checksum }), {
        abortSignal: patience.signal,
      }),
    patience,
  );
  onPart(size);
}

async function putParts(
  bucket: Bucket,
  key: string,
  file: FileHandle,
  size: number,
  patience: PatienceOptions,
  onPart: (bytes: number) => void,
): Promise<void> {
  const { sdk, client, name } = bucket;
  const { signal } = patience;
  const { UploadId: id } = await patiently(
    () =>
      client.send(new sdk.CreateMultipartUploadCommand({ Bucket: name, Key: key, ChecksumAlgorithm: "SHA256" }), {
        abortSignal: signal,
      }),
    patience,
  );
  const upload = { Bucket: name, Key: key, UploadId: id };
  try {
    const each = partSize(size);
    const parts: { PartNumber: number; ETag?: string; ChecksumSHA256: string }[] = [];
    const starts = Array.from({ length: Math.ceil(size / each) }, (_, at) => at);
    await inParallel(starts, parallelParts, async (at) => {
      const body = await readPart(file, at * each, Math.min(each, size - at * each));
      const checksum = sha256(body).toString("base64");
      const request = { ...upload, PartNumber: at + 1, Body: body, ChecksumSHA256: checksum };
      const { ETag: etag } = await patiently(
        () => client.send(new sdk.UploadPartCommand(request), { abortSignal: signal }),
        patience,
      );
      parts[at] = { PartNumber: at + 1, ETag: etag, ChecksumSHA256: checksum };
      onPart(body.length);
    });
    await complete(bucket, upload, parts, size, patience);
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}

async function complete(
  { sdk, client }: Bucket,
  upload: { Bucket: string; Key: string; UploadId: string | undefined },
  parts: { PartNumber: number; ETag?: string; ChecksumSHA256: string }[],
  size: number,
  patience: PatienceOptions,
): Promise<void> {
  const command = new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } });
  await patiently(
    () =>
      client.send(command).catch(async (error: unknown) => {
        // Done already, where only the answer was lost; the caller compares sizes.
        const there = error instanceof Error && error.name === "NoSuchUpload";
        if (!there) throw error;
        const { Bucket, Key } = upload;
        const { ContentLength: bytes } = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }));
        if (bytes !== size) throw error;
      }),
    patience,
  );
}

async function readPart(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(buffer, at, length - at, start + at);
    if (bytesRead === 0) throw new Error(`a file of the dump became shorter while it was uploaded`);
    at += bytesRead;
  }
  return buffer;
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
