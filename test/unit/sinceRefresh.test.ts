import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sinceRefresh } from "../../components/sinceRefresh.js";
import { newRunId } from "../../pipeline/runId.js";
import { openStore } from "../../pipeline/store/open.js";
import { recordRefreshed } from "../../pipeline/store/refreshed.js";
import { temporaryStore } from "../pipeline/backupFixtures.js";

describe("what a preview knows of a stack that was refreshed", () => {
  const first = { name: "1_init", checksum: "aa" };
  const second = { name: "2_more", checksum: "bb" };
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  beforeEach(async () => (store = await temporaryStore()));
  afterEach(() => store.remove());

  const hour = 3_600_000;
  const lastAt = (at: number) => ({
    ...{ run: newRunId(new Date(at)), key: "k", migrations: [first, second], store: store.url },
  });
  const refresh = (at: number) =>
    recordRefreshed(openStore(store.url), "staging", {
      ...{ at: new Date(at).toISOString(), source: "prod", backup: "b", applied: [first] },
    });

  it("is the history that came with the data, and that there is something to do", async () => {
    const last = lastAt(Date.now() - hour);
    assert.deepEqual(await sinceRefresh("staging", last), { last });
    await refresh(Date.now());
    const { last: known, against, warning } = await sinceRefresh("staging", last);
    assert.deepEqual([known?.migrations, known?.run, warning], [[first], last.run, undefined]);
    assert.notEqual(known?.key, last.key);
    assert.match(against ?? "", /^the data of backup b of "prod", which it was refreshed with at /);
  });

  it("is its last run, where that came after the refresh, or there was none", async () => {
    await refresh(Date.now() - hour);
    const last = lastAt(Date.now());
    assert.deepEqual(await sinceRefresh("staging", last), { last });
    assert.deepEqual(await sinceRefresh("staging", undefined), { last: undefined });
  });

  it("is said not to be known where the store cannot be read, or holds something else", async () => {
    const last = lastAt(Date.now());
    await refresh(Date.now());
    await writeFile(join(store.root, "staging/refreshed.json"), "{");
    const broken = await sinceRefresh("staging", last);
    assert.deepEqual(broken.last, last);
    assert.match(
      broken.warning ?? "",
      /^Whether "staging" was refreshed since its last run .* more is pending than this says/,
    );
  });
});
