import assert from "node:assert/strict";
import { terminalTable, wrapText } from "../../pipeline/terminalTable.js";

describe("a table for a terminal", () => {
  const head = ["tier", "migration"];
  const widths = [8, 12];
  const rows = [
    [["risky"], ["one", "line 1"]],
    [["safe"], ["two"]],
  ];

  it("tells its rows apart by lines, or not", () => {
    const separated = terminalTable({ head, widths, rows, separated: true });
    assert.deepEqual(separated.split("\n"), [
      "┌────────┬────────────┐",
      "│ tier   │ migration  │",
      "├────────┼────────────┤",
      "│ risky  │ one        │",
      "│        │ line 1     │",
      "├────────┼────────────┤",
      "│ safe   │ two        │",
      "└────────┴────────────┘",
    ]);
    const together = terminalTable({ head, widths, rows, separated: false });
    assert.deepEqual(together.split("\n"), separated.split("\n").toSpliced(5, 1));
    assert.equal(terminalTable({ head, widths, rows: [], separated: true }).split("\n").length, 3);
  });

  it("has every line of a cell that has thousands", () => {
    const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at}`);
    const drawn = terminalTable({ head, widths, rows: [[["risky"], lines]], separated: true }).split("\n");
    assert.equal(drawn.length, lines.length + 4);
    assert.ok(lines.every((line, at) => drawn[at + 3]?.includes(line)));
  });

  it("breaks text after a space or a slash, keeps every character and the indentation", () => {
    assert.deepEqual(wrapText("a line that is long\n  and one indented more", 12), [
      "a line that",
      "is long",
      "  and one",
      "  indented",
      "  more",
    ]);
    assert.deepEqual(wrapText("/folder/folder/report.html", 12), ["/folder/", "folder/", "report.html"]);
  });
});
