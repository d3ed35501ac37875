import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, chooseProgram, findProgram, parseVersion } from "../../../pipeline/postgres/binaries.js";
import { failsWith } from "../../pipeline/backupFixtures.js";

const program = (major: number): Program => ({ path: `/${major}/pg_dump`, version: `${major}.1`, major });

describe("PostgreSQL's programs", () => {
  const versions: [string, number | undefined][] = [
    ["pg_dump (PostgreSQL) 17.2 (Debian 17.2-1.pgdg120+1)", 17],
    ["postgres (PostgreSQL) 18beta1", 18],
    ["pg_restore (PostgreSQL) 16devel", 16],
    ["pg_dump 1.0 of something else", undefined],
    ["", undefined],
  ];
  for (const [output, major] of versions)
    it(`reads ${JSON.stringify(output)} as ${major ?? "no version"}`, () =>
      assert.equal(parseVersion(output)?.major, major));

  const choices: [string, number[], number, number | undefined, number | undefined][] = [
    ["the server's own major before a newer one", [18, 15, 14], 15, undefined, 15],
    ["the newest where the server's own is not there", [14, 16, 18], 15, undefined, 18],
    ["none where all are older", [13, 14], 15, undefined, undefined],
    ["the server's major for a dump of an older pg_dump", [15, 17, 18], 15, 17, 17],
    ["never what is older than the dump, whatever is preferred", [15, 17], 17, 15, 17],
  ];
  for (const [what, there, atLeast, preferred, expected] of choices)
    it(`takes ${what}`, () => {
      const wanted = { atLeast, ...(preferred === undefined ? {} : { preferred }) };
      assert.equal(chooseProgram(there.map(program), wanted)?.major, expected);
    });

  describe("in folders", () => {
    let root: string;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), "binaries-"));
      for (const version of ["14.9", "16.1"]) {
        await mkdir(join(root, version));
        await writeFile(join(root, version, "pg_dump"), `#!/bin/sh\necho "pg_dump (PostgreSQL) ${version}"\n`);
        await chmod(join(root, version, "pg_dump"), 0o755);
      }
    });
    after(() => rm(root, { recursive: true }));
    const folders = () => ["14.9", "16.1", "none"].map((name) => join(root, name));

    it("finds the one that fits by asking each", async () => {
      const found = await findProgram("pg_dump", { atLeast: 15 }, folders());
      assert.deepEqual([found.version, found.path], ["16.1", join(root, "16.1", "pg_dump")]);
    });
    it("names both versions and what to install where all are too old", async () => {
      const finding = findProgram("pg_dump", { atLeast: 18 }, folders());
      await assert.rejects(
        finding,
        failsWith("PROGRAM_TOO_OLD", /pg_dump is older than the server: .* is 16\.1, the server is 18/),
      );
    });
    it("says where it looked where there is none", async () => {
      await assert.rejects(
        findProgram("pg_restore", { atLeast: 13 }, folders()),
        failsWith("NO_PROGRAM", /not found on PATH/),
      );
    });
  });
});
