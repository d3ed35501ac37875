import assert from "node:assert/strict";
import { assessPending, prismaWarningRule } from "../../../pipeline/gate/assess.js";
import { prismaWarnings } from "../../../pipeline/gate/prismaWarnings.js";
import { checksumOf } from "../../../pipeline/prisma/migrations.js";
import type { FileRisk } from "../../../pipeline/risk/types.js";

const header = `/*
  Warnings:

  - You are about to drop the column \`phone\` on the \`User\` table. All the data in the column will be lost.
  - A unique constraint covering the columns \`[email]\` on the table \`User\` will be added. If there are existing duplicate values, this will fail.

*/
`;

describe("gate: what Prisma itself warns of", () => {
  it("is read from the comment at the head, with its line", () => {
    assert.deepEqual(
      prismaWarnings(`${header}-- AlterTable\n`).map(({ line, losesData }) => [line, losesData]),
      [
        [4, true],
        [5, false],
      ],
    );
    assert.equal(prismaWarnings(header.replaceAll("\n", "\r\n")).length, 2);
  });

  for (const [what, sql] of [
    ["no comment", "SELECT 1;"],
    ["another comment", "/*\n  - drop it all\n*/"],
    ["a comment further down", `SELECT 1;\n${header}`],
    ["a comment that is not closed", header.replace("*/", "")],
  ] as const)
    it(`is nothing where there is ${what}`, () => assert.deepEqual(prismaWarnings(sql), []));

  const judged = async (sql: string, risk: Partial<FileRisk> = {}) => {
    const name = "1_change";
    const migration = { name, path: "x", sql, checksum: checksumOf(sql), plan: {} as never };
    const safe: FileRisk = { file: "x", tier: "safe", effects: [], findings: [], unknowns: [], ...risk };
    const [found] = await assessPending(
      { migrations: [migration] },
      new Set([name]),
      { postgresMajor: 15, largeTableBytes: 1 },
      () => Promise.resolve([safe]),
    );
    assert.ok(found !== undefined);
    return found;
  };

  it("of a loss is never safe", async () => {
    const { risk, prismaWarnings: said } = await judged(header);
    assert.equal(risk.tier, "risky");
    assert.deepEqual(
      risk.findings.map(({ rule, line }) => [rule, line]),
      [[prismaWarningRule, 4]],
    );
    assert.equal(said.length, 2);
  });

  it("of a failure alone raises nothing: the user's list calls a unique constraint safe", async () => {
    const onlyUnique = header.replace(/ {2}- You are.*\n/, "");
    assert.equal((await judged(onlyUnique)).risk.tier, "safe");
  });

  it("is not said twice where the classifier found something, nor where a comment answers for it", async () => {
    const finding = { rule: "drop-column", tier: "risky", line: 9, message: "m", safer: "s", effects: [] } as const;
    assert.equal((await judged(header, { tier: "risky", findings: [finding] })).risk.findings.length, 1);
    const ignored = { ...finding, ignored: { reason: "unused" } };
    assert.equal((await judged(header, { findings: [ignored] })).risk.tier, "safe");
  });
});
