import { PipelineError } from "../errors.js";
import { openFolderStore } from "./folder.js";
import { openS3Store } from "./s3/store.js";
import type { Store } from "./store.js";

/** The store behind a URL. @throws PipelineError for a kind of store that is not known. */
export function openStore(url: string): Store {
  if (url.startsWith("file://")) return openFolderStore(url);
  if (url.startsWith("s3://")) return openS3Store(url);
  throw new PipelineError({
    code: "STORE_KIND",
    kind: "usage",
    message: `"${url}" is no backup store that is known; file:///absolute/folder and s3://bucket/prefix?region=… are.`,
    state: "Nothing was touched.",
    next: "Mend the store's URL in the configuration, then run the same command.",
  });
}
