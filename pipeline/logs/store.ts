import { openStore } from "../store/open.js";
import type { LogSink } from "./liveLog.js";

/** How often, in milliseconds: where the store is elsewhere each time is a request, and a version of an object. */
const everyMs = { folder: 1_000, elsewhere: 10_000 };

/** A stage's log in the run's folder of the store. The last lines are for whoever writes its evidence. */
export function storeSink(url: string, path: string): LogSink {
  const store = openStore(url);
  return {
    name: "the store",
    everyMs: url.startsWith("file:") ? everyMs.folder : everyMs.elsewhere,
    untilEnd: false,
    write: (lines) => store.write(path, `${lines.join("\n")}\n`),
  };
}
