import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { z } from "zod";
import { type Database, availabilitySchema, measuredSchema } from "../../pipeline/contracts.js";
import { ensureSample } from "../../pipeline/local/sample.js";
import { span } from "../../pipeline/report/words.js";
import type { Outcome } from "../../pipeline/runStage.js";
import { type StageName, stages } from "../../pipeline/stages/index.js";
import { accessibilityMistakes, browserOrSkip, picture } from "../support/browser.js";
import { testCluster } from "../support/postgres.js";
import { quiet, temporaryStore } from "./backupFixtures.js";

const sample = resolve(__dirname, "../../prisma");
const name = "report_shop";
const phone = { width: 390, height: 844 };

const recorded = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), result: z.object({ availability: availabilitySchema.optional() }) }),
  z.object({ ok: z.literal(false), measured: z.array(measuredSchema) }),
]);

/** Runs as `pulumi up` makes them, each to another end; their pages as people see them. */
describe("the report of a run, in a browser", function () {
  this.timeout(180_000);
  let browser: Browser;
  let database: Database;
  let folder: string;
  let store: Awaited<ReturnType<typeof temporaryStore>>;

  before(async function () {
    browser = await browserOrSkip(this);
    store = await temporaryStore();
    folder = await mkdtemp(join(tmpdir(), "safe-migration-report-"));
    await cp(join(sample, "schema.prisma"), join(folder, "schema.prisma"));
    await cp(join(sample, "migrations"), join(folder, "migrations"), { recursive: true });
    database = await (await testCluster()).create(name, { owner: "shop" });
    const project = { schema: join(folder, "schema.prisma"), migrations: join(folder, "migrations") };
    await ensureSample(database, project, { users: 60, orders: 300, ...quiet });
  });
  after(async () => {
    await browser?.close();
    if (store === undefined) return;
    await store.remove();
    await rm(folder, { recursive: true, force: true });
    await (await testCluster()).drop(name);
  });

  const stage = (which: StageName, run: string, more: object = {}, settings: object = {}): Promise<Outcome<unknown>> =>
    stages[which].run(
      {
        environment: "local",
        run,
        database,
        project: { schema: join(folder, "schema.prisma"), migrations: join(folder, "migrations") },
        store: store.url,
        settings: {
          backup: {},
          preflight: {},
          migrate: { lockTimeoutMs: 200, lockRetries: 1, retryDelayMs: 10, probeEveryMs: 10 },
          ...settings,
        },
        ...more,
      },
      { format: "text", level: "error", terminal: false, write: () => undefined, signal: quiet.signal },
    );
  const must = async (outcome: Promise<Outcome<unknown>>) => {
    const ended = await outcome;
    assert.ok(ended.ok, ended.ok ? "" : ended.error.message);
    return ended.result;
  };
  /** The chain up to the first stage that fails. */
  const chain = async (run: string, settings: object = {}): Promise<Outcome<unknown>> => {
    const preflight = await stage("preflight", run, {}, settings);
    if (!preflight.ok) return preflight;
    const done = { preflight: preflight.result };
    const backup = await must(stage("backup", run, done, settings));
    const rehearsal = await must(stage("rehearse", run, { ...done, backup }, settings));
    const migrate = await stage("migrate", run, { backup, rehearsal }, settings);
    if (!migrate.ok) return migrate;
    return stage("verify", run, { ...done, backup, rehearsal, migrate: migrate.result }, settings);
  };
  const addMigration = async (migration: string, sql: string) => {
    await mkdir(join(folder, "migrations", migration), { recursive: true });
    await writeFile(join(folder, "migrations", migration, "migration.sql"), sql);
  };
  const dropMigration = (migration: string) => rm(join(folder, "migrations", migration), { recursive: true });

  const open = async (run: string, options: Parameters<Browser["newPage"]>[0] = {}): Promise<Page> => {
    const page = await browser.newPage(options);
    page.on("pageerror", (error) => assert.fail(error));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) assert.fail(`the page asked for ${request.url()}`);
    });
    await page.goto(`${store.url}/local/${run}/report.html`);
    return page;
  };
  const looksRight = async (run: string) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open(run, { colorScheme });
      assert.deepEqual(await accessibilityMistakes(page), []);
      await picture(page, `${run}-${colorScheme}`);
      await page.close();
    }
    const small = await open(run, { viewport: phone });
    const wide: number = await small.evaluate("document.documentElement.scrollWidth");
    assert.ok(wide <= phone.width, `the page is ${wide} wide on a phone`);
    await picture(small, `${run}-phone`);
    await small.close();
    const paper = await open(run, { viewport: { width: 794, height: 1123 } });
    await paper.emulateMedia({ media: "print" });
    await picture(paper, `${run}-print`);
    await paper.close();
  };
  const textOf = async (page: Page, selector: string) =>
    (await page.locator(selector).innerText()).replace(/\s+/g, " ");

  /** The time without service in all and at once, and the plot, as the record of the stage has them. */
  const showsWhatWasRefused = async (page: Page, run: string, of: "migrate" | "rollback") => {
    const record = recorded.parse(JSON.parse(await readFile(new URL(`${store.url}/local/${run}/${of}.json`), "utf8")));
    const seen = record.ok ? record.result.availability : record.measured[0]?.availability;
    assert.ok(seen !== undefined && seen.refusedMs > 200 && seen.longestRefusedMs > 200, JSON.stringify(record));
    const shown = (ms: number) => span(ms).replaceAll("\u00a0", " ");
    assert.equal(await textOf(page, "#figure-downtime"), shown(seen.refusedMs));
    const note = await textOf(page, "#figure-downtime + dd");
    assert.ok(note.includes(`at most ${shown(seen.longestRefusedMs)} at once`), note);
    const plot = page.locator("section[aria-labelledby=availability] svg[role=img]");
    assert.equal(await plot.locator("rect").count(), seen.series?.slowestMs.filter((ms) => ms !== null).length);
    assert.ok((await plot.locator("rect.late").count()) > 0);
    assert.ok((await plot.locator("desc").textContent())?.includes(`${seen.refusedMs} ms in all`));
  };

  it("of a good run has its figures, and is good to look at and to listen to", async () => {
    const result = (await must(chain("good"))) as { counts: Record<string, number>; report: string };
    const page = await open("good");
    assert.equal(await textOf(page, "h1"), "Verified");
    assert.equal(await textOf(page, "#figure-applied"), "2");
    assert.equal(await textOf(page, "#figure-backup + dd"), "restored once, and equal");
    assert.equal(await page.locator("section[aria-labelledby=rehearsal] tbody tr").count(), 2);
    const manifest = JSON.parse(await readFile(new URL(`${store.url}/local/good/manifest.json`), "utf8")) as {
      fingerprints: { tables: { rows: number }[] };
    };
    const total = manifest.fingerprints.tables.reduce((sum, table) => sum + table.rows, 0);
    assert.equal((await textOf(page, "#figure-rows")).replace(/\D/g, ""), String(total));
    assert.match(await textOf(page, "#figure-duration + dd"), /within the aim of (5|30) min/);
    const stagesShown = await page.locator("section[aria-labelledby=stages] tbody th").allInnerTexts();
    assert.deepEqual(stagesShown, ["preflight", "backup", "rehearse", "migrate", "verify"]);
    const orders = page.locator('tr:has(th:text-is("public.orders"))');
    const cells = await orders.locator("td").allInnerTexts();
    assert.equal(cells[0]?.replace(/\D/g, ""), "300");
    assert.equal(cells[1]?.replace(/\D/g, ""), String(result.counts["Order"]));
    assert.ok((await page.locator("section[aria-labelledby=availability] svg[role=img] rect").count()) > 0);
    assert.deepEqual(
      await page.locator("section[aria-labelledby=evidence] a").first().getAttribute("href"),
      "backup.json",
    );
    const markdown = await readFile(new URL(`${store.url}/local/good/report.md`), "utf8");
    assert.match(
      markdown,
      /^# Verified[^]*## Stages\n\n.* of the 5 min that are aimed at for simple migrations, within the aim/,
    );
    for (const name of stagesShown) assert.ok(markdown.includes(`| ${name} | done |`), markdown);
    await page.close();
    await looksRight("good");
  });

  it("of a refused run says why, what state things are in, and what to run", async () => {
    await addMigration("20990101000000_drop", 'DROP TABLE "orders" CASCADE;');
    const outcome = await chain("refused", { risk: { risky: "acknowledge", dangerous: "approve" } });
    assert.ok(!outcome.ok && outcome.error.kind === "refused");
    const page = await open("refused");
    assert.equal(await textOf(page, "h1"), "Refused by preflight");
    const markdown = await readFile(new URL(`${store.url}/local/refused/report.md`), "utf8");
    assert.match(markdown, /^# Refused by preflight: local, run refused\n[^]*\*\*State\.\*\* Nothing was touched\./);
    assert.match(markdown, /npm run approve -- --stack local[^]*\| preflight \| refused: RISK_NOT_APPROVED \|/);
    assert.match(
      await textOf(page, ".next"),
      /Nothing was touched\..*npm run approve -- --stack local 20990101000000_drop/,
    );
    await page.close();
    await looksRight("refused");
    await dropMigration("20990101000000_drop");
  });

  it("of a run that failed and was taken back shows both, and keeps what it says as text", async () => {
    await addMigration("20990101000000_fine", 'CREATE TABLE "<b>not bold</b>" ();');
    // It holds its locks for longer than a request may take, so that the probes are refused.
    await addMigration(
      "20990102000000_broken",
      'ALTER TABLE "<b>not bold</b>" ADD COLUMN a int; ALTER TABLE orders ADD COLUMN a int; SELECT pg_sleep(0.6); SELECT 1/0;',
    );
    const outcome = await chain("taken-back", {
      rehearse: { mode: "never", reason: "to see migrate fail" },
      migrate: { probeEveryMs: 10, refusedAfterMs: 200 },
    });
    assert.ok(!outcome.ok && outcome.error.kind === "failedChanged");
    let page = await open("taken-back");
    assert.equal(await textOf(page, "h1"), "Failed in migrate, after changes");
    assert.match(await textOf(page, ".lead"), /20990102000000_broken failed: .*division by zero/);
    await showsWhatWasRefused(page, "taken-back", "migrate");
    await page.close();
    await must(stage("restore", "taken-back", { backup: "taken-back" }));
    page = await open("taken-back");
    assert.equal(await textOf(page, "h1"), "Restored");
    assert.match(await textOf(page, ".lead"), /from backup taken-back after migrate had failed \(MIGRATION_FAILED\)/);
    assert.equal(await page.locator("b", { hasText: "not bold" }).count(), 0);
    await showsWhatWasRefused(page, "taken-back", "migrate");
    await page.close();
    await looksRight("taken-back");
    await dropMigration("20990101000000_fine");
    await dropMigration("20990102000000_broken");
  });

  it("of migrations that were taken back has what the application met meanwhile", async () => {
    const [newest = ""] = (await readdir(join(folder, "migrations"))).filter((entry) => /^\d/.test(entry)).slice(-1);
    const down = join(folder, "migrations", newest, "down.sql");
    await writeFile(down, `LOCK TABLE orders; SELECT pg_sleep(0.6);\n${await readFile(down, "utf8")}`);
    await must(stage("rollback", "by-sql", { steps: 1 }, { migrate: { probeEveryMs: 10, refusedAfterMs: 200 } }));
    const page = await open("by-sql");
    assert.equal(await textOf(page, "h1"), "Rolled back");
    assert.equal(await textOf(page, "section[aria-labelledby=availability] h3"), "While they were taken back");
    await showsWhatWasRefused(page, "by-sql", "rollback");
    await page.close();
  });
});
