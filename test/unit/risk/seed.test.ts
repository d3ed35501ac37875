import assert from "node:assert/strict";
import { type SchemaDiff, openSchemaDiff } from "../../../pipeline/prisma/schemaDiff.js";
import { type Tier } from "../../../pipeline/risk/types.js";
import { assessed, large, small } from "./assessed.js";

const head = `datasource db {\n  provider = "postgresql"\n}\n`;

/** What the lines change, apart from their lines. */
const parts = {
  user: `id Int @id @default(autoincrement())
  email String @db.VarChar(100)
  name String?
  street String?
  city String?
  phone String @default("")
  orders Order[]`,
  order: `id Int @id @default(autoincrement())
  total Decimal @db.Decimal(10,2)
  status Status @default(NEW)
  note String?
  userId Int?
  user User? @relation(fields: [userId], references: [id])`,
  status: `NEW\n  PAID\n  SENT`,
  more: "",
};

const schemaOf = ({ user, order, status, more }: typeof parts) =>
  `${head}\nenum Status {\n  ${status}\n}\nmodel User {\n  ${user}\n}\nmodel Order {\n  ${order}\n}\n${more}`;

interface Line {
  /** As it stands in the plan. */
  readonly line: string;
  readonly cases: Readonly<Record<string, (before: typeof parts) => typeof parts>>;
}

const change = (part: keyof typeof parts, from: string, to: string) => (before: typeof parts) => {
  assert.ok(before[part].includes(from), `${part} has no ${from}`);
  return { ...before, [part]: before[part].replace(from, to) };
};
const add = (part: keyof typeof parts, text: string) => (before: typeof parts) => ({
  ...before,
  [part]: `${before[part]}\n  ${text}`,
});

const plan: Readonly<Record<Tier, readonly Line[]>> = {
  safe: [
    {
      line: "Agregar nuevas tablas",
      cases: {
        "a table": add("more", "model Tag {\n  id Int @id\n  name String\n}"),
        "a table that refers to another": (before) =>
          add(
            "more",
            "model Visit {\n  id Int @id\n  at DateTime\n  userId Int\n  user User @relation(fields: [userId], references: [id])\n}",
          )(add("user", "visits Visit[]")(before)),
      },
    },
    {
      line: "Agregar nuevas columnas (con valores por defecto)",
      cases: {
        "a constant": add("user", "points Int @default(0)"),
        "the time": add("user", "createdAt DateTime @default(now())"),
        "a value of an enum": add("user", "last Status @default(NEW)"),
        "none needed": add("user", "nickname String?"),
        "a list": add("user", "tags String[]"),
      },
    },
    {
      line: "Agregar índices",
      cases: {
        "an index": add("user", "@@index([name])"),
        "over two columns": add("order", "@@index([userId, status])"),
      },
    },
    {
      line: "Agregar constraints únicos",
      cases: {
        "a unique": add("user", "@@unique([email])"),
        "over two columns": add("order", "@@unique([userId, note])"),
      },
    },
    {
      line: "Modificar tipos de datos compatibles",
      cases: {
        "a longer limit": change("user", "VarChar(100)", "VarChar(250)"),
        "no limit": change("user", "email String @db.VarChar(100)", "email String"),
        "more digits": change("order", "Decimal(10,2)", "Decimal(14,2)"),
      },
    },
  ],
  risky: [
    { line: "Eliminar columnas", cases: { "a column": change("user", "name String?", "") } },
    {
      line: "Modificar tipos de datos incompatibles",
      cases: {
        "text to a number": change("order", "note String?", "note Int?"),
        "a number to text": change("order", "total Decimal @db.Decimal(10,2)", "total String"),
        "a shorter limit": change("user", "VarChar(100)", "VarChar(50)"),
      },
    },
    {
      line: "Agregar constraints NOT NULL sin valor por defecto",
      cases: {
        "to a column": change("user", "name String?", "name String"),
        "with a column": add("user", "country String"),
      },
    },
    { line: "Cambiar nombres de columnas", cases: { "a field": change("user", "name String?", "fullName String?") } },
    {
      line: "Modificar relaciones",
      cases: {
        "ON DELETE": change("order", "references: [id]", "references: [id], onDelete: Cascade"),
        required: (before) =>
          change("order", "user User?", "user User")(change("order", "userId Int?", "userId Int")(before)),
        "taken away": (before) =>
          change(
            "order",
            "user User? @relation(fields: [userId], references: [id])",
            "",
          )(change("user", "orders Order[]", "")(before)),
      },
    },
  ],
  dangerous: [
    {
      line: "Eliminar tablas",
      cases: {
        "a table": (before) => ({ ...change("user", "orders Order[]", "")(before), order: "" }),
      },
    },
    {
      line: "Cambiar claves primarias",
      cases: {
        "its type": change("order", "id Int @id @default(autoincrement())", "id String @id"),
        "its columns": (before) =>
          add(
            "order",
            "@@id([id, status])",
          )(change("order", "id Int @id @default(autoincrement())", "id Int @default(autoincrement())")(before)),
        "another column": (before) =>
          change(
            "order",
            "note String?",
            "note String @id",
          )(change("order", "id Int @id @default(autoincrement())", "id Int @default(autoincrement())")(before)),
      },
    },
    {
      line: "Modificar relaciones complejas",
      cases: {
        "one to many becomes many to many": (before) =>
          change(
            "order",
            "userId Int?",
            "",
          )(change("order", "user User? @relation(fields: [userId], references: [id])", "users User[]")(before)),
        "the key moves to the other side": (before) => {
          const without = change(
            "order",
            "userId Int?",
            "",
          )(change("order", "user User? @relation(fields: [userId], references: [id])", "user User?")(before));
          return change(
            "user",
            "orders Order[]",
            "orderId Int? @unique\n  order Order? @relation(fields: [orderId], references: [id])",
          )(without);
        },
      },
    },
    {
      line: "Cambios estructurales mayores",
      cases: {
        "columns move to a table of their own": (before) =>
          add(
            "more",
            "model Address {\n  id Int @id\n  street String?\n  city String?\n}",
          )(change("user", "street String?", "")(change("user", "city String?", "")(before))),
        "a value of an enum goes": change("status", "SENT", ""),
        "a table under another name": (before) => ({
          ...before,
          order: "",
          user: before.user.replace("orders Order[]", "orders Purchase[]"),
          more: `model Purchase {\n  ${before.order}\n}`,
        }),
      },
    },
  ],
};

/** The three lists of the migration plan, as SQL that Prisma writes for a changed schema. */
describe("risk: the lines of the plan's three lists", () => {
  const facts = { User: small, Order: small };
  let diff: SchemaDiff;
  let init: string;

  before(async () => {
    diff = await openSchemaDiff();
    init = await diff(head, schemaOf(parts));
  });

  for (const [tier, lines] of Object.entries(plan)) {
    for (const { line, cases } of lines) {
      for (const [name, edit] of Object.entries(cases)) {
        it(`${tier}: ${line} (${name})`, async () => {
          const after = edit(parts);
          const text = (value: typeof parts) => schemaOf(value).replace("model Order {\n  \n}", "");
          const sql = await diff(text(parts), text(after));
          const told = async (more: object) => {
            const risk = await assessed({ before: [init], sql, ...more });
            assert.equal(risk.tier, tier, `${sql}\n${JSON.stringify(risk.findings, null, 1)}`);
          };
          await told({});
          const loses = tier === "risky" && sql.includes("DROP COLUMN");
          // What is known of the database may raise a tier, and never lower it where there are rows.
          if (!loses) await told({ facts });
          const onLarge = await assessed({ before: [init], sql, facts: { User: large, Order: large } });
          assert.ok(onLarge.tier === tier || tier === "safe" || loses, `${onLarge.tier}: ${sql}`);
        });
      }
    }
  }
});
