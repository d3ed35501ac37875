import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { targetSettings } from "../../pipeline/contracts.js";
import { run } from "../../pipeline/process.js";
import { type History, readHistory } from "../../pipeline/report/history.js";
import { openStore } from "../../pipeline/store/open.js";
import { accessibilityMistakes, browserOrSkip, picture } from "../support/browser.js";
import { Checkout } from "../support/checkout.js";
import { type MadeRun, makeRuns } from "../support/runsInStore.js";
import { temporaryStore } from "./backupFixtures.js";

const day = 86_400_000;
const targets = targetSettings.parse({});
const stack = "history";

/** Fifty runs, one each day: every tenth refused, every twelfth failed, the rest verified; two of these too slow. */
const fifty = (now: number): MadeRun[] =>
  Array.from({ length: 50 }, (_, back): MadeRun => {
    const end = back % 10 === 9 ? "refused" : back % 12 === 11 ? "failed" : "verified";
    return {
      run: `run-${String(50 - back).padStart(2, "0")}`,
      started: now - back * day - 3_600_000,
      end,
      stageMs: back === 1 || back === 2 ? 100_000 : 5_000 + 500 * back,
      refusedMs: back === 0 ? 45_000 : back < 40 ? 20 * back : undefined,
      databaseBytes: 90_000_000 - back * 1_000_000,
      risky: back === 2,
    };
  });

describe("the history of a stack's runs", () => {
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let checkout: Checkout;
  before(async function () {
    this.timeout(60_000);
    store = await temporaryStore();
    await makeRuns(store.root, stack, fifty(Date.now()));
    checkout = await Checkout.make("config: {}\n");
    await writeFile(
      checkout.path(`Pulumi.${stack}.yaml`),
      `config:\n  safe-migration:sample: { enabled: false }\n  safe-migration:store: { folder: ${store.root} }\n`,
    );
  });
  after(async () => {
    await checkout?.remove();
    await store.remove();
  });

  const report = (...given: string[]) => {
    const { command, args, cwd } = checkout.program("tools/commands/report.ts");
    return run(command, [...args, "--stack", stack, ...given], { cwd, env: { NO_COLOR: "1" } });
  };

  it("counts what the aims ask, over the days that are asked for", async () => {
    const history = await readHistory(openStore(store.url), stack, { days: 30, at: new Date(), targets });
    assert.equal(history.runs.length, 50);
    assert.equal(history.runs[0]?.run, "run-50");
    // Of the last 30: 3 refused (9, 19, 29), 2 failed (11, 23).
    assert.deepEqual(
      { ...history.aims, availability: undefined },
      {
        days: 30,
        verified: 25,
        ended: 27,
        refused: 3,
        // 400 s: too long for the run of safe migrations, and well within the aim where one was risky.
        withinTarget: 24,
        withTarget: 25,
        refusedMs: 45_000 + 20 * (435 - 9 - 19 - 29 - 11 - 23),
        availability: undefined,
        availabilityTargetPercent: 99.9,
        availabilityMet: true,
      },
    );
    assert.ok(Math.abs(history.aims.availability - (1 - (45_000 + 20 * 344) / (30 * day))) < 1e-9);
    assert.equal(history.newestBackup, undefined);
    const [failed] = history.runs.filter(({ standing }) => standing === "changed");
    assert.equal(failed?.durationMs, 3 * (5_000 + 500 * 11));
  });

  it("is printed as a table, the newest runs first, without colours where no terminal is", async () => {
    const { exitCode, stdout, stderr } = await report();
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /run-50 .*Verified .*20\s?s/);
    assert.ok(stdout.indexOf("run-50") < stdout.indexOf("run-49"));
    assert.match(stdout, /… and 35 older runs; --all shows them/);
    assert.match(stdout, /verified +92 % \(25 of 27\); 3 refused/);
    assert.match(stdout, /within the time aimed at +96 % \(24 of 25\)/);
    assert.match(stdout, /availability +99\.99\d* % of 30 days, aim 99\.9 %: met; 51\.9 s without service/);
    assert.ok(!stdout.includes("\u001b["));
    const all = await report("--all");
    assert.match(all.stdout, /run-01/);
  });

  it("is one JSON object for programs", async () => {
    const { stdout } = await report("--json", "--days", "5");
    const history = JSON.parse(stdout) as History;
    assert.equal(history.runs.length, 50);
    assert.equal(history.aims.days, 5);
    assert.equal(history.aims.verified, 5);
  });

  it("takes a note on a run, and shows it in its page", async () => {
    const { exitCode, stdout, stderr } = await report("--run", "run-50", "--note", "Build the index <first>");
    assert.equal(exitCode, 0, stderr);
    const page = await readFile(new URL(stdout.trim()), "utf8");
    assert.match(page, /Build the index &lt;first&gt;/);
    await report("--run", "run-50", "--note", "Second");
    assert.match(await readFile(new URL(stdout.trim()), "utf8"), /&lt;first&gt;[\s\S]*Second/);
  });

  it("says what is wrong with what was asked", async () => {
    const unknown = await report("--run", "run-99");
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.stderr, /no run run-99.*the newest are: run-50/);
    assert.notEqual((await report("--days", "0")).exitCode, 0);
    assert.equal((await report("--note", " ")).exitCode, 2);
  });

  it("is a page to look at", async function () {
    const browser = await browserOrSkip(this);
    try {
      const path = join(store.root, "history.html");
      assert.equal((await report("--html", path)).exitCode, 0);
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await browser.newPage({ colorScheme });
        await page.goto(`file://${path}`);
        assert.equal(await page.locator("#figure-verified").innerText(), "92\u00a0%");
        assert.equal(await page.locator("section[aria-labelledby=runs] tbody tr").count(), 50);
        assert.match((await page.locator("svg desc").first().textContent()) ?? "", /50 runs/);
        assert.deepEqual(await accessibilityMistakes(page), []);
        await picture(page, `history-${colorScheme}`);
        await page.close();
      }
      const phone = await browser.newPage({ viewport: { width: 390, height: 844 } });
      await phone.goto(`file://${path}`);
      const wide: number = await phone.evaluate("document.documentElement.scrollWidth");
      assert.ok(wide <= 390);
      await phone.close();
    } finally {
      await browser.close();
    }
  });
});
