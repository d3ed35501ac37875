import assert from "node:assert/strict";
import { withoutExtensionsFeature, withoutKnownExtensions } from "../../../pipeline/prisma/extensionsFeature.js";
import { describeOlderProperties, withoutOlderProperties } from "../../../pipeline/prisma/olderSchema.js";
import { readSchema } from "../../../pipeline/prisma/schema.js";

const older = `generator client {
  provider        = "prisma-client-js"
  previewFeatures = ["metrics", "views", "postgresqlExtensions"] // preview
}

datasource db {
  provider  = "postgresql"
  url       = "postgresql://u:s3cret}@h/d" // {
  directUrl = env("DIRECT_URL")
  extensions = [citext, pgcrypto]
  shadowDatabaseUrl = env("SHADOW")
  relationMode = "prisma"
}

model A {
  id  Int @id
  url String
}
`;
const files = [{ path: "/app/schema.prisma", content: older }];

describe("a schema of Prisma 6 and older", () => {
  it("is read without its connection URLs and the features that are gone; every line keeps its number", () => {
    const { files: cleaned, removed } = withoutOlderProperties(files);
    const text = cleaned[0]?.content ?? "";
    assert.equal(text.split("\n").length, older.split("\n").length);
    assert.deepEqual(
      removed.map(({ name, line }) => [name, line]),
      [
        ["url", 8],
        ["directUrl", 9],
        ["shadowDatabaseUrl", 11],
        ["metrics", 3],
      ],
    );
    assert.equal(text.split("\n")[16], "  url String", "a model's field of that name stays");
    assert.ok(!JSON.stringify([cleaned, describeOlderProperties(removed)]).includes("s3cret"));
    const schema = readSchema(files);
    assert.deepEqual([schema.models.length, schema.relationMode, schema.olderProperties.length], [1, "prisma", 4]);
  });

  it("is left as it is where there is nothing of that, and nothing is said", () => {
    const plain = [{ path: "a.prisma", content: 'datasource db {\n  provider = "postgresql"\n}\n// url = "x"\n' }];
    const { files: same, removed } = withoutOlderProperties(plain);
    assert.deepEqual([same, removed, describeOlderProperties(removed)], [plain, [], ""]);
  });
});

describe("the preview feature postgresqlExtensions", () => {
  it("is taken out, with the list of extensions", () => {
    const schema = withoutExtensionsFeature(readSchema(files));
    const text = schema.files[0]?.content ?? "";
    assert.doesNotMatch(text, /postgresqlExtensions|citext|extensions/);
    assert.match(text, /"views"/);
    assert.equal(text.split("\n").length, older.split("\n").length);
    assert.equal(readSchema(schema.files).models.length, 1, "Prisma's parser takes what is left");
  });

  it("gives no extension to a new migration that the ones before it have made", () => {
    const sql =
      '-- CreateExtension\nCREATE EXTENSION IF NOT EXISTS "citext" WITH VERSION "1.6";\n\n' +
      '-- CreateExtension\nCREATE EXTENSION IF NOT EXISTS "uuid-ossp";\n\n-- AlterTable\nALTER TABLE "a" ADD COLUMN "b" CITEXT;\n';
    assert.equal(
      withoutKnownExtensions(sql, new Set(["citext", "plpgsql"])),
      '-- CreateExtension\nCREATE EXTENSION IF NOT EXISTS "uuid-ossp";\n\n-- AlterTable\nALTER TABLE "a" ADD COLUMN "b" CITEXT;\n',
    );
  });
});
