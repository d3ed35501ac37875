import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { createLogger } from "../../pipeline/log.js";

describe("progress", () => {
  const shown = (terminal: boolean, ...fractions: readonly number[]) => {
    const written: string[] = [];
    const options = { stage: "backup", run: "r", format: "text", level: "info" } as const;
    const log = createLogger({ ...options, terminal, write: (text) => written.push(text), now: () => 10_000 });
    for (const fraction of fractions) log.progress("dumping", fraction);
    log.info("done");
    return stripVTControlCharacters(written.join(""));
  };

  it("is a bar on a terminal, replaced in place, and gone before the next line", () => {
    assert.equal(
      shown(true, 0.5, 1.2),
      "\r[MIGRATION] backup [##########..........]  50 % dumping" +
        "\r[MIGRATION] backup [####################] 100 % dumping" +
        "\r[MIGRATION] backup 0.0s done\n",
    );
  });

  it("is a line now and then elsewhere, not one for each step", () => {
    assert.equal(
      shown(false, 0.1, 0.2, Number.NaN),
      "[MIGRATION] backup 0.0s 10 % dumping\n[MIGRATION] backup 0.0s done\n",
    );
  });
});
