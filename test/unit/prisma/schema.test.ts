import assert from "node:assert/strict";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { PipelineError } from "../../../pipeline/errors.js";
import { loadSchema, readSchema } from "../../../pipeline/prisma/schema.js";
import { type TestProject, writeProject } from "../../support/prismaProjects/write.js";

const mapped = path.resolve(__dirname, "../../support/prismaProjects/mapped/schema");

describe("loadSchema", () => {
  it("gives the database's names, from every file of a folder", async () => {
    const schema = await loadSchema(mapped);
    assert.deepEqual(
      schema.models.map(({ name, table, schema }) => [name, schema, table]).sort(),
      [
        ["Post", "Shop", "Post"],
        ["Tag", "Shop", "Tag"],
        ["User", "public", "app users"],
      ],
      "a model with @@ignore is left out",
    );
    const user = schema.models.find(({ name }) => name === "User");
    assert.deepEqual(
      user?.columns.map(({ column }) => column),
      ["user_id", "tenant", "full name", "grade", "boss_id"],
    );
    assert.deepEqual([...schema.schemas].sort(), ["Shop", "public"]);
    assert.equal(schema.relationMode, "foreignKeys");
  });

  it("gives every relation: composite, to itself, and both halves of an implicit many-to-many", async () => {
    const { relations } = await loadSchema(mapped);
    const lines = relations.map(
      ({ name, schema, table, columns, referencedSchema, referencedTable, referencedColumns, required }) =>
        `${name}: ${schema}.${table}(${columns.join()}) -> ${referencedSchema}.${referencedTable}(${referencedColumns.join()}) ${required}`,
    );
    assert.deepEqual(lines.sort(), [
      "Bosses: public.app users(boss_id) -> public.app users(user_id) false",
      "PostToUser: Shop.Post(u_id,u_tenant) -> public.app users(user_id,tenant) false",
      "TagToUser: Shop._TagToUser(A) -> Shop.Tag(id) true",
      "TagToUser: Shop._TagToUser(B) -> public.app users(user_id) true",
    ]);
  });

  const source = (text: string) => [{ path: "schema.prisma", content: text }];
  const postgres = 'datasource db {\n  provider = "postgresql"\n}\n';
  const pair =
    "model A {\n  id Int @id\n  b B @relation(fields: [bId], references: [id])\n  bId Int\n}\nmodel B {\n  id Int @id\n  as A[]\n}\n";

  it("tells relationMode, and gives its relations all the same", () => {
    const prisma = postgres.replace("}", '  // relationMode = "foreignKeys"\n  relationMode = "prisma"\n}');
    const schema = readSchema(source(prisma + pair));
    assert.equal(schema.relationMode, "prisma");
    assert.deepEqual([schema.relations.length, schema.relations[0]?.required], [1, true]);
    const commented = postgres.replace("}", '  // relationMode = "prisma"\n}');
    assert.equal(readSchema(source(commented + pair)).relationMode, "foreignKeys");
  });

  it("gives both halves of a many-to-many of a model with itself", () => {
    const { relations } = readSchema(
      source(`${postgres}model A {\n  id Int @id\n  from A[] @relation("x")\n  to A[] @relation("x")\n}\n`),
    );
    assert.deepEqual(
      relations.map(({ table, columns }) => [table, ...columns]),
      [
        ["_x", "A"],
        ["_x", "B"],
      ],
    );
  });

  it("leaves views out", () => {
    const view =
      'generator client {\n  provider = "prisma-client"\n  output = "x"\n  previewFeatures = ["views"]\n}\nview V {\n  id Int @unique\n}\n';
    assert.deepEqual(
      readSchema(source(postgres + pair + view)).models.map(({ name }) => name),
      ["A", "B"],
    );
  });

  const refuses = (text: string, code: string, message: RegExp) =>
    assert.throws(
      () => readSchema(source(text)),
      (error: unknown) =>
        error instanceof PipelineError && error.kind === "usage" && error.code === code && message.test(error.message),
    );

  it("shows Prisma's own message, and refuses another database and none", () => {
    refuses(
      `${postgres}model A {\n  id Nope @id\n}\n`,
      "SCHEMA_INVALID",
      /Type "Nope" is neither[\s\S]*schema\.prisma:5/,
    );
    refuses('datasource db {\n  provider = "mysql"\n}\n', "OTHER_PROVIDER", /"mysql"/);
    refuses("model A {\n  id Int @id\n}\n", "SCHEMA_INVALID", /no datasource/);
  });
});

describe("the files of a schema", () => {
  let project: TestProject;
  beforeEach(async () => {
    project = await writeProject();
  });
  afterEach(() => project.remove());

  it("follows links, not in circles, and takes only .prisma files", async () => {
    const folder = path.join(project.root, "folder");
    await mkdir(path.join(folder, "deep"), { recursive: true });
    await writeFile(path.join(folder, "deep", "notes.txt"), "");
    await symlink(folder, path.join(folder, "deep", "circle"));
    await symlink(path.join(project.root, "nowhere"), path.join(folder, "dangling.prisma"));
    await symlink(project.schema, path.join(folder, "linked.prisma"));
    const { files } = await loadSchema(folder);
    assert.deepEqual(
      files.map((file) => path.basename(file.path)),
      ["linked.prisma"],
    );
  });

  it("says where it looked in vain", async () => {
    await rm(project.schema);
    for (const name of [project.schema, project.migrations]) {
      await assert.rejects(
        loadSchema(name),
        (error: unknown) =>
          error instanceof PipelineError && error.code === "SCHEMA_MISSING" && error.message.includes(name),
      );
    }
  });
});
