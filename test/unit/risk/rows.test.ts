import { check } from "./assessed.js";
import { rowsOfTables } from "./rowsOfTables.js";
import { rowsOfTypesAndData } from "./rowsOfTypesAndData.js";

describe("risk: rows of the table of risks", () => {
  for (const [row, cases] of Object.entries({ ...rowsOfTables, ...rowsOfTypesAndData })) {
    describe(row, () => {
      for (const test of cases) it(`${test.name}: ${test.tier}`, () => check(test));
    });
  }
});
