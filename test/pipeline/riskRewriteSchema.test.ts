import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { DiffTarget } from "@prisma/schema-engine-wasm/schema_engine_bg";
import type { Database } from "../../pipeline/contracts.js";
import { allTables, toMigrationList, withEngine } from "../../pipeline/prisma/engine.js";
import { readMigrations } from "../../pipeline/prisma/migrations.js";
import { openSchemaDiff } from "../../pipeline/prisma/schemaDiff.js";
import { readSchemaFiles } from "../../pipeline/prisma/schemaFiles.js";
import { releaseIn } from "../../tools/commands/riskRelease.js";
import { rewriteIn } from "../../tools/commands/riskRewrite.js";
import { testCluster } from "../support/postgres.js";

const change = "20250102000000_change";
const head = `// The shop.\ndatasource db {\n  provider = "postgresql"\n}\n`;

interface Case {
  readonly before: string;
  readonly after: string;
  /** What the schema holds on the way, after the first release. */
  readonly onTheWay: readonly RegExp[];
}

const cases: Readonly<Record<string, Case>> = {
  "a field is renamed, with its indexes and mapped names": {
    before: `
model User { // who buys
  id     Int     @id
  /// Where to call.
  phone  String  @map("phone_no") @db.VarChar(30)
  name   String?

  @@index([phone])
  @@unique([name, phone(sort: Asc)], map: "by_name")
  @@map("users")
}
`,
    after: `
model User { // who buys
  id     Int     @id
  /// Where to call.
  mobile  String  @map("mobile_no") @db.VarChar(30) // with country code
  name   String?

  @@index([mobile]) // for the search
  @@unique([name, mobile(sort: Asc)], map: "by_name")
  @@map("users")
}
`,
    onTheWay: [
      /^ {2}phone_no String @db\.VarChar\(30\) @ignore \/\/ until 20250102000000_change_\d+_contract$/m,
      /^ {2}mobile {2}String {2}@map\("mobile_no"\) @db\.VarChar\(30\) \/\/ with country code$/m,
    ],
  },
  "types, a required field, a unique one and an index": {
    before: `
model Item {
  id    Int @id
  score Int
  price Decimal @db.Decimal(10, 2)
  at    DateTime?
  sku   String
  note  String?
}
`,
    after: `
model Item {
  id    Int @id
  score BigInt   // was too small
  price Decimal @db.Decimal(10, 2)
  at    DateTime
  sku   String   @unique(map: "sku_once") @db.Text
  note  String?

  /// The list of the shop.
  @@index([at, score(sort: Desc)])
}
`,
    onTheWay: [/^ {2}score_new BigInt @ignore \/\/ until/m, /^ {2}score Int {3}\/\/ was too small$/m],
  },
  "an enum loses a value, in two models": {
    before: `
enum Role {
  USER // everybody
  GUEST
  ADMIN

  @@map("user_role")
}

model User {
  id   Int  @id
  role Role @default(USER)
}

model Invitation {
  id   Int   @id
  role Role?

  @@index([role])
}
`,
    after: `
enum Role {
  USER // everybody
  ADMIN

  @@map("user_role")
}

model User {
  id   Int  @id
  role Role @default(USER)
}

model Invitation {
  id   Int   @id
  role Role?

  @@index([role])
}
`,
    onTheWay: [/^ {2}GUEST \/\/ until 20250102000000_change_\d+_contract$/m, /^enum user_role_new \{$/m],
  },
  "new columns: a volatile default, and one that only a person can fill": {
    before: `
model Order {
  id Int @id
}
`,
    after: `
model Order {
  id    Int    @id
  token String @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  shop  String // which one sold it
}
`,
    onTheWay: [/^ {2}shop {2}String\? \/\/ which one sold it$/m],
  },
  "a model, a relation and a rename at once": {
    before: `
model Post {
  id    Int     @id
  title String?
  kind  Int?
}
`,
    after: `
model Post {
  id       Int     @id
  headline String?
  kind     Int?
  authorId Int?
  author   Author? @relation(fields: [authorId], references: [id])

  @@index([kind])
}

model Author {
  id    Int    @id
  email String @unique
  posts Post[]
}
`,
    onTheWay: [/^ {2}title String\? @ignore \/\/ until/m],
  },
};

/** A project of its own: the first schema and its migration, then the schema as it is to be and what Prisma writes for that. */
async function makeProject({ before, after }: Case) {
  const folder = mkdtempSync(path.join(tmpdir(), "risk-schema-"));
  const project = {
    ...{ migrations: path.join(folder, "migrations"), schema: path.join(folder, "schema.prisma") },
    defaultSchema: "public",
  };
  const diff = await openSchemaDiff();
  for (const [name, sql] of [
    ["20250101000000_init", await diff(head, head + before)],
    [change, await diff(head + before, head + after)],
  ] as const) {
    mkdirSync(path.join(project.migrations, name), { recursive: true });
    writeFileSync(path.join(project.migrations, name, "migration.sql"), sql);
  }
  writeFileSync(path.join(project.migrations, "migration_lock.toml"), `provider = "postgresql"\n`);
  writeFileSync(project.schema, head + after);
  return { folder, project };
}

type Project = Awaited<ReturnType<typeof makeProject>>["project"];

/** What Prisma sees between the migrations that are there, the original left out, and the schema. */
async function driftOf(database: Database, project: Project): Promise<string> {
  const folder = await readMigrations(project.migrations);
  const migrations = folder.migrations.filter(({ name }) => name !== change);
  const from: DiffTarget = { tag: "migrations", ...toMigrationList({ ...folder, migrations }) };
  const to: DiffTarget = { tag: "schemaDatamodel", files: [...(await readSchemaFiles(project.schema))] };
  const { stdout } = await withEngine(database, project, { disposable: true }, ({ api }) =>
    api.diff({ from, to, script: true, exitCode: null, filters: allTables }),
  );
  return stdout ?? "";
}

/** What the series makes of the rows: test/pipeline/riskRewrite.test.ts. */
describe("the Prisma schema while a safe series is under way", function () {
  this.timeout(120_000);
  let database: Database;
  before(async () => (database = await (await testCluster()).create("rewrite_schema")));

  for (const [name, one] of Object.entries(cases))
    it(`is in step after each step: ${name}`, async () => {
      const { folder, project } = await makeProject(one);
      try {
        let told = await rewriteIn(project, change, 1);
        assert.doesNotMatch(told, /left to you|stays as it is/);
        const held = path.join(folder, "held", change);
        const record = JSON.parse(readFileSync(path.join(held, "series.json"), "utf8")) as { steps: string[] };
        for (let step = 1; ; step++) {
          const drift = await driftOf(database, project);
          assert.match(drift, /empty migration/, `${record.steps[step - 1] ?? ""}\n${drift}\n${told}`);
          if (step === record.steps.length) break;
          told = await releaseIn(project, change, { until: step + 1 });
          assert.doesNotMatch(told, /left to you/);
        }
        assert.equal(readFileSync(project.schema, "utf8"), head + one.after);
        assert.deepEqual(readdirSync(folder).sort(), ["migrations", "schema.prisma"]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

  it("keeps what a person changed in between, in files of their own and with their ends of lines", async () => {
    for (const one of Object.values(cases)) {
      const { folder, project } = await makeProject(one);
      const crlf = (head + one.after).replaceAll("\n", "\r\n");
      rmSync(project.schema);
      project.schema = path.join(folder, "parts");
      mkdirSync(path.join(project.schema, "more"), { recursive: true });
      const file = path.join(project.schema, "more", "models.prisma");
      writeFileSync(file, crlf.slice(crlf.indexOf("}") + 3));
      writeFileSync(path.join(project.schema, "main.prisma"), head);
      try {
        await rewriteIn(project, change);
        const onTheWay = readFileSync(file, "utf8");
        for (const expected of one.onTheWay) assert.match(onTheWay.replaceAll("\r\n", "\n"), expected);
        assert.equal(onTheWay.split("\n").length, onTheWay.split("\r\n").length, "every line ends as the others do");
        const marked = onTheWay
          .replace(/^(model \w+ \{)/m, "// A word in between.\r\n$1")
          .replace(/ +/g, (gap) => `${gap} `);
        writeFileSync(file, marked);
        mkdirSync(path.join(project.migrations, "20260101000000_between"));
        writeFileSync(path.join(project.migrations, "20260101000000_between", "migration.sql"), "SELECT 1;\n");
        const told = await releaseIn(project, change, { now: new Date("2026-02-03T04:05:06Z") });
        assert.doesNotMatch(told, /left to you/);
        const squeezed = (text: string) => text.replace(/[ \r]+/g, " ").trim();
        assert.equal(
          squeezed(readFileSync(file, "utf8")),
          squeezed(crlf.slice(crlf.indexOf("}") + 3).replace(/^(model \w+ \{)/m, "// A word in between.\r\n$1")),
        );
        // Applied last, whatever has been applied since.
        assert.match(readdirSync(project.migrations).at(-2) ?? "", /^20260203040506_change_\d+_\w+$/);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  });

  it("refuses what does not fit, and leaves all as it was", async () => {
    const one = cases["a field is renamed, with its indexes and mapped names"];
    assert.ok(one);
    const { folder, project } = await makeProject(one);
    const all = () => readdirSync(folder, { recursive: true }).map(String).sort();
    const before = all();
    try {
      await assert.rejects(rewriteIn(project, change, 99), /has \d+ steps[^]*/);
      await assert.rejects(releaseIn(project, change), /No steps are held/);
      assert.deepEqual(all(), before);
      assert.equal(readFileSync(project.schema, "utf8"), head + one.after);
      await rewriteIn(project, change);
      const written = all();
      await assert.rejects(rewriteIn(project, change), /is there already/);
      await assert.rejects(
        releaseIn(project, change, { until: 1 }),
        /Steps \d+ to \d+ of 20250102000000_change are held/,
      );
      assert.deepEqual(all(), written);
      // A person took the line out by hand: told, and not guessed at.
      const text = readFileSync(project.schema, "utf8");
      writeFileSync(project.schema, text.replace(/^ {2}phone_no .*\n/m, ""));
      assert.match(await releaseIn(project, change), /left to you:\n {2}User: take out "phone_no String/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
