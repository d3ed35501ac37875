import { PipelineError } from "../errors.js";
import { openFolderStore } from "./folder.js";
import type { Store } from "./store.js";

/** The store behind a URL. @throws PipelineError for a kind of store that is not known. */
export function openStore(url: string): Store {
  if (url.startsWith("file://")) return openFolderStore(url);
  throw new PipelineError({
    code: "STORE_KIND",
    kind: "usage",
    message: `"${url}" is no backup store that is known; file:///absolute/folder is.`,
    state: "Nothing was touched.",
    next: "Mend the store's URL in the configuration, then run the same command.",
  });
}
