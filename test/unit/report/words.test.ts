import assert from "node:assert/strict";
import { html, table } from "../../../pipeline/report/html/markup.js";
import { bytes, number, percent, span } from "../../../pipeline/report/words.js";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("reports: figures in words", () => {
  const cases: readonly [(value: number) => string, readonly (readonly [number, string])[]][] = [
    [
      span,
      [
        [0, "0 ms"],
        [999.4, "999 ms"],
        [999.6, "1 s"],
        [59_940, "59.9 s"],
        [59_960, "1 min"],
        [192_000, "3 min 12 s"],
        [3_599_600, "1 h"],
        [7_500_000, "2 h 5 min"],
        [40 * 86_400_000, "40 d"],
      ],
    ],
    [
      bytes,
      [
        [0, "0 B"],
        [999, "999 B"],
        [999_999, "1.00 MB"],
        [12_345_678, "12.3 MB"],
        [5e15, "5000 TB"],
      ],
    ],
    [
      percent,
      [
        [1, "100 %"],
        [0.99999999, "99.9999 %"],
        [0.9999, "99.99 %"],
        [0.999, "99.9 %"],
        [0.4567, "45 %"],
        [0, "0 %"],
      ],
    ],
    [
      number,
      [
        [1234, "1234"],
        [12_345, "12 345"],
        [1_234_567, "1 234 567"],
        [0.5, "0.5"],
      ],
    ],
  ];
  for (const [show, pairs] of cases)
    for (const [value, text] of pairs)
      it(`${show.name} of ${value}: ${text}`, () => assert.equal(plain(show(value)), text));
});

describe("reports: HTML", () => {
  it("takes what is put into it as text, unless it is HTML", () => {
    assert.equal(
      html`<i title="${"\"'"}">${"<b>&"}</i>${html`<b>${1}</b>`}${undefined}`.text,
      '<i title="&quot;&#39;">&lt;b&gt;&amp;</i><b>1</b>',
    );
    assert.equal(html`${[html`<i></i>`, undefined, html`<b></b>`]}`.text, "<i></i><b></b>");
  });

  it("names the rows of a table, and its columns", () => {
    const made = table("All", [{ head: "A" }, { head: "B", kind: "figure" }], [["<", 2]])
      .text.replace(/\s+/g, " ")
      .replace(/ ?> ?/g, ">");
    assert.match(made, /<th scope="col">A<\/th><th scope="col" class="figure">B<\/th>/);
    assert.match(made, /<th scope="row">&lt;<\/th><td class="figure">2<\/td>/);
  });
});
