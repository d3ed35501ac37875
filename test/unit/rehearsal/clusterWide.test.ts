import assert from "node:assert/strict";
import { loadParser, planScript } from "../../../pipeline/prisma/plan.js";
import {
  cannotBeTried,
  clusterStatements,
  clusterWide,
  describeCluster,
} from "../../../pipeline/rehearsal/clusterWide.js";

describe("statements that change the whole cluster", () => {
  before(() => loadParser());

  const nodeOf = (sql: string) => {
    const plan = planScript(sql);
    const statement = plan.kind === "alone" ? plan.statement : plan.statements[0];
    assert.ok(statement !== undefined, sql);
    return statement.node;
  };

  const wide: readonly (readonly [what: string, ...statements: string[]])[] = [
    ["CREATE ROLE", "CREATE ROLE r", "CREATE USER r PASSWORD 'x'", "CREATE GROUP r"],
    ["ALTER ROLE", "ALTER ROLE r LOGIN", "ALTER USER r PASSWORD 'x'", "ALTER GROUP r ADD USER u"],
    ["ALTER ROLE … SET", "ALTER ROLE r SET work_mem = '1MB'", "ALTER ROLE ALL IN DATABASE d RESET ALL"],
    ["DROP ROLE", "DROP ROLE r", "DROP USER IF EXISTS r"],
    ["GRANT of a role", "GRANT r TO u"],
    ["REVOKE of a role", "REVOKE r FROM u"],
    ["REASSIGN OWNED", "REASSIGN OWNED BY r TO u"],
    ["DROP OWNED", "DROP OWNED BY r"],
    ["CREATE SUBSCRIPTION", "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)"],
    ["ALTER DATABASE", "ALTER DATABASE d CONNECTION LIMIT 5"],
    ["ALTER DATABASE … SET", "ALTER DATABASE d SET timezone = 'UTC'"],
    ["ALTER DATABASE … REFRESH COLLATION VERSION", "ALTER DATABASE d REFRESH COLLATION VERSION"],
    ["ALTER DATABASE OWNER", "ALTER DATABASE d OWNER TO r"],
    ["ALTER DATABASE RENAME", "ALTER DATABASE d RENAME TO e"],
    ["ALTER ROLE RENAME", "ALTER ROLE r RENAME TO s"],
    ["ALTER TABLESPACE", "ALTER TABLESPACE t SET (seq_page_cost = 1)"],
    ["ALTER TABLESPACE RENAME", "ALTER TABLESPACE t RENAME TO u"],
    ["COMMENT ON ROLE", "COMMENT ON ROLE r IS 'x'"],
    ["COMMENT ON DATABASE", "COMMENT ON DATABASE d IS 'x'"],
    ["COMMENT ON TABLESPACE", "COMMENT ON TABLESPACE t IS 'x'"],
    ["SECURITY LABEL ON ROLE", "SECURITY LABEL ON ROLE r IS 'x'"],
    ["GRANT ON DATABASE", "GRANT CONNECT ON DATABASE d TO r"],
    ["REVOKE ON DATABASE", "REVOKE ALL ON DATABASE d FROM PUBLIC"],
    ["GRANT ON PARAMETER", "GRANT SET ON PARAMETER work_mem TO r"],
  ];
  for (const [what, ...statements] of wide)
    it(`${what} may be tried in a transaction`, () => {
      for (const sql of statements) {
        assert.equal(clusterWide(nodeOf(sql)), what, sql);
        assert.equal(cannotBeTried(nodeOf(sql)), false, sql);
      }
    });

  const never: readonly (readonly [what: string, sql: string])[] = [
    ["ALTER SYSTEM", "ALTER SYSTEM SET work_mem = '1MB'"],
    ["CREATE DATABASE", "CREATE DATABASE d"],
    ["DROP DATABASE", "DROP DATABASE d"],
    ["CREATE TABLESPACE", "CREATE TABLESPACE t LOCATION '/srv/t'"],
    ["DROP TABLESPACE", "DROP TABLESPACE t"],
    ["CREATE SUBSCRIPTION", "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p"],
    ["ALTER SUBSCRIPTION", "ALTER SUBSCRIPTION s DISABLE"],
    ["ALTER SUBSCRIPTION OWNER", "ALTER SUBSCRIPTION s OWNER TO r"],
    ["DROP SUBSCRIPTION", "DROP SUBSCRIPTION s"],
  ];
  for (const [what, sql] of never)
    it(`${sql} is not run`, () =>
      assert.deepEqual([clusterWide(nodeOf(sql)), cannotBeTried(nodeOf(sql))], [what, true]));

  for (const sql of [
    "GRANT SELECT ON t TO r",
    "ALTER TABLE t OWNER TO r",
    "ALTER TABLE t RENAME TO u",
    "COMMENT ON TABLE t IS 'x'",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r",
    "CREATE PUBLICATION p FOR TABLE t",
    "SET ROLE r",
    "CREATE POLICY p ON t TO r USING (true)",
  ])
    it(`${sql} stays in its database`, () => assert.equal(clusterWide(nodeOf(sql)), undefined));

  it("are named with their lines, also where the parser cannot read another one", () => {
    const sql = "SELECT 1;\nCREATE ROLE r;\nTHIS IS OF 99;\n  GRANT r\n  TO u;";
    assert.equal(describeCluster(clusterStatements(sql)), "CREATE ROLE at line 2, GRANT of a role at line 4");
  });
});
