import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ConfigError, configSchema, parseConfig, projectName } from "../../config.js";

const mistakes = (raw: Record<string, unknown>): readonly string[] => {
  try {
    parseConfig("local", raw);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
};

describe("configuration", () => {
  it("has in Pulumi.yaml the same sections and defaults as in the schema", () => {
    const project = parse(readFileSync(join(__dirname, "../../Pulumi.yaml"), "utf8")) as {
      name: string;
      config: Record<string, { type: string; default: unknown }>;
    };
    assert.equal(project.name, projectName);
    const declared = Object.fromEntries(Object.entries(project.config).map(([key, value]) => [key, value.default]));
    assert.deepEqual(declared, configSchema.parse({}));
  });

  it("fills in what a section leaves out", () => {
    const config = parseConfig("local", { "safe-migration:migrate": { lockTimeoutMs: 7 } });
    assert.equal(config.migrate.lockTimeoutMs, 7);
    assert.equal(config.migrate.lockRetries, configSchema.parse({}).migrate.lockRetries);
  });

  it("takes sections as Pulumi hands them over, as JSON text", () => {
    const config = parseConfig("local", { "safe-migration:backup": '{"keep":3}' });
    assert.equal(config.backup.keep, 3);
  });

  it("reports every mistake at once, each with its key and what is allowed", () => {
    const found = mistakes({
      "safe-migration:databse": { name: "x" },
      "safe-migration:backup": { jobs: "two", kep: 3 },
      "safe-migration:pipeline": { run: "sometimes" },
      "safe-migration:sample": "not an object",
    });
    assert.equal(found.length, 5);
    assert.match(found.join("\n"), /^databse: unknown key, did you mean database\?/m);
    assert.match(found.join("\n"), /^backup\.jobs: .*number.*"two"/m);
    assert.match(
      found.join("\n"),
      /^backup\.kep: unknown key, did you mean keep\? \(known here: method, snapshotBefore, rdsWaitMinutes, rdsAskSeconds, jobs, keep, maxProvedAgeHours\)/m,
    );
    assert.match(found.join("\n"), /^pipeline\.run: .*"always"\|"onChange".*"sometimes"/m);
    assert.match(found.join("\n"), /^sample: /m);
  });

  it("wants a reason for going without a rehearsal", () => {
    assert.match(mistakes({ rehearse: { mode: "never" } })[0] ?? "", /^rehearse\.reason: mode never needs a reason/);
    assert.deepEqual(mistakes({ rehearse: { mode: "never", reason: "the copy does not fit beside it" } }), []);
    assert.match(mistakes({ rehearse: { mod: "never" } })[0] ?? "", /unknown key, did you mean mode\?/);
  });

  it("does not look at other namespaces", () => {
    assert.deepEqual(mistakes({ "aws:region": "eu-west-1", "other:databse": 1 }), []);
  });

  it("refuses sample data on another project, whose tables it does not know", () => {
    assert.match(mistakes({ project: { schema: "../shop/schema.prisma" } })[0] ?? "", /sample\.enabled/);
    assert.deepEqual(mistakes({ project: { schema: "../shop/schema.prisma" }, sample: { enabled: false } }), []);
  });

  it("names the stack's file and says that nothing was touched", () => {
    assert.throws(() => parseConfig("prod", { databse: 1 }), /Nothing was touched\. Mend Pulumi\.prod\.yaml/);
  });
});
