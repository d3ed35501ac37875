import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Browser, type Page, chromium } from "playwright-core";
import { run } from "../../pipeline/process.js";

/** Where pages are pictured for people to look at; git does not keep it. */
const pictures = resolve(__dirname, "../../.build/screenshots");

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const elsewhere = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

async function findChromium(): Promise<string | undefined> {
  const { which } = await import("../../tools/setup/find.mjs");
  return (
    names.map((name) => which(name)).find((path) => path !== undefined) ?? elsewhere.find((path) => existsSync(path))
  );
}

/** Debian's own Chromium, where this is root on Debian; nowhere else is anything installed. */
async function installChromium(): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) return;
  const apt = (...args: string[]) => run("env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", ...args]);
  const packages = ["install", "-y", "--no-install-recommends", "chromium", "fonts-liberation"];
  if ((await apt(...packages)).exitCode === 0) return;
  await apt("update");
  await apt(...packages);
}

/** Starts Chromium without a window; skips the tests, saying so, where there is none and none can be installed. */
export async function browserOrSkip(context: Mocha.Context): Promise<Browser> {
  context.timeout(300_000);
  if ((await findChromium()) === undefined) await installChromium();
  const executablePath = await findChromium();
  if (executablePath === undefined) {
    process.stderr.write("      skipped: no Chromium was found, and only root on Debian may install one\n");
    return context.skip();
  }
  // Its sandbox refuses to work for root.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args });
}

/** Pictures a page whole, under a name. */
export async function picture(page: Page, name: string): Promise<void> {
  const path = join(pictures, `${name}.png`);
  await mkdir(dirname(path), { recursive: true });
  await page.screenshot({ path, fullPage: true });
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe finds wrong with a page by WCAG 2.2, A and AA, and its own best practices; a line each. */
export async function accessibilityMistakes(page: Page): Promise<string[]> {
  // The page's own policy lets nothing run; the browser's debugger may.
  await page.evaluate(await readFile(require.resolve("axe-core/axe.min.js"), "utf8"));
  const found: Violation[] = await page.evaluate(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) =>
       JSON.parse(JSON.stringify(violations)))`,
  );
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
}
