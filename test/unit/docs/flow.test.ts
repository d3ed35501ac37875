import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { browserOrSkip, picture } from "../../support/browser.js";

const root = resolve(__dirname, "../../..");
const path = join(root, "docs/flow.svg");

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

describe("the README's picture of the flow", () => {
  const svg = readFileSync(path, "utf8");

  it("has the stages in order, says what it shows, and fetches nothing", () => {
    const names = [...svg.matchAll(/class="name[^>]*>(\w+)</g)].map(([, name]) => name);
    assert.deepEqual(names, ["preflight", "backup", "rehearse", "migrate", "verify"]);
    assert.match(
      svg,
      /role="img" aria-labelledby="flow-title flow-text"[^]*<title id="flow-title">[^]*<desc id="flow-text">/,
    );
    assert.doesNotMatch(svg.replace('xmlns="http://www.w3.org/2000/svg"', ""), /https?:|url\(|href|<script|@import/);
    assert.match(readFileSync(join(root, "README.md"), "utf8"), /!\[Five stages [^\]]+\]\(docs\/flow\.svg\)/);
  });

  it("can be read in light and in dark: no word lies on another, or outside", async function () {
    const browser = await browserOrSkip(this);
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await browser.newPage({ colorScheme, viewport: { width: 760, height: 760 } });
        await page.setContent(`<body style="margin: 0">${svg}</body>`);
        const boxes: Box[] = await page.evaluate(
          `[...document.querySelectorAll("text")].map((one) => { const { left, right, top, bottom } = one.getBoundingClientRect();
             return { text: one.textContent, left, right, top, bottom }; })`,
        );
        assert.ok(boxes.length > 20);
        for (const [at, box] of boxes.entries()) {
          assert.ok(box.left >= 0 && box.right <= 720, `${box.text} is outside`);
          const under = boxes.slice(at + 1).find((other) => overlap(box, other));
          assert.equal(under, undefined, `${box.text} and ${under?.text ?? ""}`);
        }
        await picture(page, `flow-${colorScheme}`);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  });
});

/** Lines of one paragraph may touch: the boxes have room above and below the letters. */
function overlap(a: Box, b: Box): boolean {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return across > 1 && down > 5;
}
