import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checksumsFile, hostBundle } from "../../../tools/build/hostBundle.js";

const root = resolve(__dirname, "../../..");

describe("the bundle for hosts, while another update may be copying it", function () {
  this.timeout(60_000);
  let build: string;

  before(async () => (build = await mkdtemp(join(tmpdir(), "host-bundle-"))));
  after(() => rm(build, { recursive: true, force: true }));

  const make = () =>
    hostBundle({
      ...{ root, build, checks: undefined },
      schema: join(root, "prisma/schema.prisma"),
      migrations: join(root, "prisma/migrations"),
    });

  it("is left alone where it is whole, and made anew where it is not", async () => {
    const { folder, hash } = await make();
    const { ino } = await stat(folder);
    const sums = await readFile(join(folder, checksumsFile), "utf8");
    assert.equal((await make()).hash, hash);
    assert.equal((await stat(folder)).ino, ino);
    await appendFile(join(folder, "pipeline.cjs"), "\n");
    assert.equal((await make()).hash, hash);
    assert.notEqual((await stat(folder)).ino, ino);
    assert.equal(await readFile(join(folder, checksumsFile), "utf8"), sums);
    assert.deepEqual(
      (await readdir(build)).filter((name) => name.startsWith("host")),
      [`host-${hash}`],
    );
  });
});
