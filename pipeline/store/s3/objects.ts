import type { Bucket } from "./client.js";
import { isMissing } from "./errors.js";

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  readonly modified: Date;
}

/** Every object whose key begins with `prefix`. */
export async function listObjects({ sdk, client, name }: Bucket, prefix: string): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket: name, Prefix: prefix }))
    for (const { Key: key, Size: bytes = 0, ETag: etag = "", LastModified: modified = new Date(0) } of page.Contents ??
      [])
      if (key !== undefined) objects.push({ key, bytes, etag, modified });
  return objects;
}

/** Names directly under `prefix`, which ends with `/` or is empty; folders with a `/` at their end. */
export async function listNames({ sdk, client, name }: Bucket, prefix: string): Promise<string[]> {
  const names: string[] = [];
  const pages = sdk.paginateListObjectsV2({ client }, { Bucket: name, Prefix: prefix, Delimiter: "/" });
  for await (const page of pages) {
    for (const { Key: key } of page.Contents ?? []) if (key !== undefined && key !== prefix) names.push(key);
    for (const { Prefix: folder } of page.CommonPrefixes ?? []) if (folder !== undefined) names.push(folder);
  }
  return names.map((found) => found.slice(prefix.length)).sort();
}

/** An object's text; `undefined` where there is none. */
export async function getText({ sdk, client, name }: Bucket, key: string): Promise<string | undefined> {
  try {
    const { Body: body } = await client.send(new sdk.GetObjectCommand({ Bucket: name, Key: key }));
    return await body?.transformToString("utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What browsers and S3's console show the small files of a store as; what is not known here they offer to save. */
const contentTypes: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  md: "text/markdown; charset=utf-8",
  json: "application/json",
  log: "text/plain; charset=utf-8",
};

function contentType(key: string): string {
  return contentTypes[key.split(".").at(-1) ?? ""] ?? "application/octet-stream";
}

/** @param options.onlyIfNew fails with a precondition error where there is an object of that key already. */
export async function putText(
  { sdk, client, name }: Bucket,
  key: string,
  text: string,
  options: { onlyIfNew?: boolean } = {},
): Promise<void> {
  await client.send(
    new sdk.PutObjectCommand({
      Bucket: name,
      Key: key,
      Body: Buffer.from(text, "utf8"),
      ChecksumAlgorithm: "SHA256",
      ContentType: contentType(key),
      ...(options.onlyIfNew === true ? { IfNoneMatch: "*" } : {}),
    }),
  );
}

/** How many keys S3 takes in one request to delete. */
const deleteBatch = 1_000;

/** Removes objects; in a bucket with versions this hides them, and what is locked stays. */
export async function deleteObjects({ sdk, client, name }: Bucket, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += deleteBatch) {
    const { Errors: errors = [] } = await client.send(
      new sdk.DeleteObjectsCommand({
        Bucket: name,
        Delete: { Objects: keys.slice(at, at + deleteBatch).map((key) => ({ Key: key })), Quiet: true },
        ChecksumAlgorithm: "SHA256",
      }),
    );
    const [first] = errors;
    if (first !== undefined)
      throw Object.assign(new Error(`${first.Key ?? "an object"}: ${first.Message ?? ""} (${errors.length} in all)`), {
        name: first.Code ?? "Error",
        $metadata: { httpStatusCode: first.Code === "AccessDenied" ? 403 : 400 },
      });
  }
}

/** Ends uploads in parts that nobody will finish; their parts would be kept, and paid for, unseen. */
export async function abortUploads({ sdk, client, name }: Bucket, prefix: string): Promise<void> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: name, Prefix: prefix, ...marker }));
    for (const { Key: key, UploadId: id } of page.Uploads ?? [])
      await client
        .send(new sdk.AbortMultipartUploadCommand({ Bucket: name, Key: key, UploadId: id }))
        .catch((error: unknown) => {
          if (!(error instanceof Error && error.name === "NoSuchUpload")) throw error;
        });
    if (page.IsTruncated !== true) return;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
