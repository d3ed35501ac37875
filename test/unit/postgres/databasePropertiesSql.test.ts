import assert from "node:assert/strict";
import fc from "fast-check";
import type { DatabaseProperties } from "../../../pipeline/postgres/databaseProperties.js";
import {
  createDatabaseSql,
  finishingSql,
  ownershipSql,
  settingsSql,
  splitList,
} from "../../../pipeline/postgres/databasePropertiesSql.js";

const plain: DatabaseProperties = {
  owner: "app",
  encoding: "UTF8",
  collate: "C.UTF-8",
  ctype: "C.UTF-8",
  localeProvider: "libc",
  tablespace: "pg_default",
  connectionLimit: -1,
  isTemplate: false,
  grants: [],
  settings: [],
  securityLabels: [],
};

describe("statements for what belongs to a database", () => {
  it("leaves out what an older server does not know", () => {
    assert.equal(
      createDatabaseSql('a "b"', plain, 140_000, undefined),
      `CREATE DATABASE "a ""b""" WITH TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`,
    );
  });
  it("names an ICU locale with its rules, and a tablespace", () => {
    const icu: DatabaseProperties = { ...plain, localeProvider: "icu", locale: "de-u-co-phonebk", icuRules: "&a < b" };
    const sql = createDatabaseSql("a", icu, 170_000, "fast disk");
    assert.match(sql, / LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' ICU_RULES '&a < b' TABLESPACE "fast disk"$/);
  });
  it("names a built-in locale", () => {
    const builtin: DatabaseProperties = { ...plain, localeProvider: "builtin", locale: "C.UTF-8" };
    assert.match(
      createDatabaseSql("a", builtin, 170_000, undefined),
      / LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C\.UTF-8'$/,
    );
  });

  const lists: [string, string[]][] = [
    ['"$user", public', ["$user", "public"]],
    ['"a ""b"", c",d', ['a "b", c', "d"]],
    ['""', [""]],
    ["", []],
  ];
  for (const [value, names] of lists)
    it(`splits ${value || "nothing"}`, () => assert.deepEqual(splitList(value), names));
  it("splits what was joined, whatever the names", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (names) => {
        const joined = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(", ");
        assert.deepEqual(splitList(joined), names);
      }),
    );
  });

  it("writes lists of names apart, and other settings as one constant", () => {
    const settings = [
      { name: "search_path", value: '"$user", "Odd, one"' },
      { name: "DateStyle", value: "German, DMY" },
      { role: "me", name: "my.thing", value: "it's \\ so" },
    ];
    assert.deepEqual(settingsSql("d", { ...plain, settings }), [
      `ALTER DATABASE "d" SET "search_path" TO '$user', 'Odd, one'`,
      `ALTER DATABASE "d" SET "DateStyle" TO 'German, DMY'`,
      `ALTER ROLE "me" IN DATABASE "d" SET "my"."thing" TO E'it''s \\\\ so'`,
    ]);
  });

  it("grants along a chain of grant options, each by who granted it", () => {
    const grant = (grantor: string, grantee: string, grantable = false) => ({
      grantor,
      grantee,
      privilege: "CONNECT" as const,
      grantable,
    });
    const grants = [grant("b", "c"), grant("a", "b", true), grant("app", "a", true), grant("app", "")];
    assert.deepEqual(
      ownershipSql("d", { ...plain, grants })
        .slice(3)
        .map(({ as, sql }) => `${as ?? "-"}: ${sql}`),
      [
        '-: GRANT CONNECT ON DATABASE "d" TO "a" WITH GRANT OPTION',
        'a: GRANT CONNECT ON DATABASE "d" TO "b" WITH GRANT OPTION',
        'b: GRANT CONNECT ON DATABASE "d" TO "c"',
        '-: GRANT CONNECT ON DATABASE "d" TO PUBLIC',
      ],
    );
  });
  it("takes the mark off where there was no comment", () => {
    assert.ok(finishingSql("d", plain).includes('COMMENT ON DATABASE "d" IS NULL'));
  });
});
