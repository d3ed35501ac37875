import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { PipelineError } from "../../../pipeline/errors.js";
import { type HistoryRow, atomicMark, compareHistory, isProvedUnchanged } from "../../../pipeline/prisma/history.js";
import { checksumMatches, checksumOf, readMigrations } from "../../../pipeline/prisma/migrations.js";
import { slugOf } from "../../../pipeline/prisma/migrationName.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("readMigrations", () => {
  let project: TestProject;
  beforeEach(async () => {
    project = await writeProject({ "20240102_b": "SELECT 2;", "20240101_a": "SELECT 'é\r\n';" });
  });
  afterEach(() => project.remove());

  const refuses = (code: string, message: RegExp) =>
    assert.rejects(
      readMigrations(project.migrations),
      (error: unknown) =>
        error instanceof PipelineError && error.code === code && error.kind === "usage" && message.test(error.message),
    );

  it("lists folders in order, with Prisma's checksum, and passes over stray files", async () => {
    await writeFile(path.join(project.migrations, "README.md"), "stray");
    const { migrations, provider } = await readMigrations(project.migrations);
    assert.equal(provider, "postgresql");
    assert.deepEqual(
      migrations.map(({ name, checksum }) => [name, checksum]),
      [
        ["20240101_a", sha256("SELECT 'é\r\n';")],
        ["20240102_b", sha256("SELECT 2;")],
      ],
    );
  });

  it("never takes a missing folder for one without migrations", async () => {
    await rm(project.migrations, { recursive: true });
    await refuses("MIGRATIONS_MISSING", /no migrations folder/);
  });

  it("takes a file for no folder", async () => {
    await rm(project.migrations, { recursive: true });
    await writeFile(project.migrations, "");
    await refuses("MIGRATIONS_UNREADABLE", /cannot be read/);
  });

  it("goes on without a lock file, as Prisma does", async () => {
    await rm(path.join(project.migrations, "migration_lock.toml"));
    assert.equal((await readMigrations(project.migrations)).provider, undefined);
  });

  it("refuses another provider, and a lock file that names none", async () => {
    await writeFile(
      path.join(project.migrations, "migration_lock.toml"),
      '# provider = "postgresql"\nprovider = "mysql"\n',
    );
    await refuses("OTHER_PROVIDER", /"mysql"/);
    await writeFile(path.join(project.migrations, "migration_lock.toml"), "<<<<<<< HEAD\n");
    await refuses("LOCKFILE_UNREADABLE", /names no provider/);
  });

  it("refuses a folder without migration.sql, and text that is none", async () => {
    await mkdir(path.join(project.migrations, "20240103_empty"));
    await refuses("MIGRATION_UNREADABLE", /"20240103_empty" has no migration\.sql/);
    await writeFile(path.join(project.migrations, "20240103_empty", "migration.sql"), Buffer.from([0xff, 0xfe]));
    await refuses("MIGRATION_ENCODING", /not valid UTF-8/);
    await writeFile(path.join(project.migrations, "20240103_empty", "migration.sql"), "SELECT 1;\0");
    await refuses("MIGRATION_ENCODING", /NUL/);
  });
});

describe("checksumMatches", () => {
  it("takes other line ends for the same file, and another text for another", () => {
    assert.ok(checksumMatches("a\nb\n", sha256("a\r\nb\r\n")));
    assert.ok(checksumMatches("a\r\nb\r\n", sha256("a\nb\n")));
    assert.ok(!checksumMatches("a\nb\n", sha256("a\nb")));
  });

  it("knows the checksums of early releases, which lack the zeros before single digits", () => {
    const text = Array.from({ length: 64 }, (_, n) => `-- ${n}`).find((sql) => /^(..)*0./.test(checksumOf(sql))) ?? "";
    const old = [...Buffer.from(checksumOf(text), "hex")].map((byte) => byte.toString(16)).join("");
    assert.ok(old.length < 64 && checksumMatches(text, old));
    assert.ok(!checksumMatches(`${text} `, old));
  });
});

describe("compareHistory", () => {
  const at = new Date(0);
  const row = (name: string, sql: string, more: Partial<HistoryRow> = {}): HistoryRow => ({
    id: `id-${name}`,
    name,
    checksum: checksumOf(sql),
    startedAt: at,
    finishedAt: at,
    rolledBackAt: null,
    logs: null,
    appliedSteps: 1,
    ...more,
  });

  it("tells applied, pending, failed, rolled back, edited, missing and out of order apart", async () => {
    const project = await writeProject({
      "1": "SELECT 1",
      "2": "SELECT 2",
      "3": "SELECT 3",
      "4": "SELECT 4",
      "5": "SELECT 5",
    });
    const found = compareHistory(await readMigrations(project.migrations), [
      row("1", "SELECT 1", { id: "old", finishedAt: null, rolledBackAt: at }),
      row("1", "SELECT 1"),
      row("3", "SELECT 'another'"),
      row("4", "SELECT 4", { finishedAt: null, logs: "by another tool" }),
      row("gone", "SELECT 0"),
    ]);
    await project.remove();
    const names = Object.fromEntries(
      Object.entries(found).map(([key, list]) => [key, (list as readonly { name: string }[]).map(({ name }) => name)]),
    );
    assert.deepEqual(names, {
      applied: ["1", "3"],
      pending: ["2", "5"],
      failed: ["4"],
      rolledBack: ["1"],
      edited: ["3"],
      missing: ["gone"],
      outOfOrder: ["2"],
    });
    assert.equal(found.outOfOrder[0]?.before, "3");
  });

  it("takes an attempt that is proved to have changed nothing for pending, and only its own mark for the proof", async () => {
    const project = await writeProject({ "1": "SELECT 1" });
    const folder = await readMigrations(project.migrations);
    await project.remove();
    const stopped = row("1", "SELECT 1", { finishedAt: null, logs: `x ${atomicMark("id-1")} y` });
    assert.ok(isProvedUnchanged(stopped));
    assert.deepEqual(
      compareHistory(folder, [stopped]).pending.map(({ name }) => name),
      ["1"],
    );
    assert.ok(!isProvedUnchanged({ ...stopped, id: "another" }));
    assert.ok(!isProvedUnchanged({ ...stopped, finishedAt: at }));
    assert.ok(!isProvedUnchanged({ ...stopped, rolledBackAt: at }));
    assert.ok(!isProvedUnchanged({ ...stopped, logs: null }));
  });
});

describe("slugOf", () => {
  for (const [typed, slug] of [
    ["add_orders", "add_orders"],
    ["Add New Feature!", "add_new_feature"],
    ["addNewFeature", "add_new_feature"],
    ["HTTPServer", "http_server"],
    ["  Añadir – Straße  ", "anadir_strasse"],
    ["../../etc/passwd", "etc_passwd"],
    ["¿?", ""],
  ] as const) {
    it(`makes "${slug}" of "${typed}"`, () => assert.equal(slugOf(typed), slug));
  }

  it("cuts at 200 characters, the longest that Prisma takes", () => assert.equal(slugOf("x".repeat(300)).length, 200));
});
