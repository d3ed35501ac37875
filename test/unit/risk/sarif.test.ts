import assert from "node:assert/strict";
import { Ajv } from "ajv";
import { renderSarif } from "../../../pipeline/risk/output/sarif.js";
import { rules } from "../../../pipeline/risk/rules/index.js";
import type { FileRisk } from "../../../pipeline/risk/types.js";

const text = {
  type: "object",
  required: ["text"],
  additionalProperties: false,
  properties: { text: { type: "string", minLength: 1 }, markdown: { type: "string" } },
};
const level = { enum: ["none", "note", "warning", "error"] };

/** The part of the SARIF 2.1.0 schema that is used, nothing beside it allowed; the types of the whole are held by the compiler. */
const schema = {
  type: "object",
  required: ["version", "runs"],
  additionalProperties: false,
  properties: {
    $schema: { type: "string" },
    version: { const: "2.1.0" },
    runs: {
      type: "array",
      items: {
        type: "object",
        required: ["tool", "results"],
        additionalProperties: false,
        properties: {
          columnKind: { enum: ["utf16CodeUnits", "unicodeCodePoints"] },
          tool: {
            type: "object",
            required: ["driver"],
            additionalProperties: false,
            properties: {
              driver: {
                type: "object",
                required: ["name"],
                additionalProperties: false,
                properties: {
                  name: { type: "string" },
                  rules: {
                    type: "array",
                    uniqueItems: true,
                    items: {
                      type: "object",
                      required: ["id"],
                      additionalProperties: false,
                      properties: {
                        id: { type: "string" },
                        shortDescription: text,
                        fullDescription: text,
                        help: text,
                        defaultConfiguration: { type: "object", additionalProperties: false, properties: { level } },
                      },
                    },
                  },
                },
              },
            },
          },
          results: {
            type: "array",
            items: {
              type: "object",
              required: ["message"],
              additionalProperties: false,
              properties: {
                ruleId: { type: "string" },
                ruleIndex: { type: "integer", minimum: -1 },
                level,
                message: text,
                locations: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["physicalLocation"],
                    additionalProperties: false,
                    properties: {
                      physicalLocation: {
                        type: "object",
                        required: ["artifactLocation", "region"],
                        additionalProperties: false,
                        properties: {
                          artifactLocation: {
                            type: "object",
                            required: ["uri"],
                            additionalProperties: false,
                            properties: { uri: { type: "string", pattern: "^[!#-;=?-\\[\\]_a-z~%]+$" } },
                          },
                          region: {
                            type: "object",
                            required: ["startLine"],
                            additionalProperties: false,
                            properties: { startLine: { type: "integer", minimum: 1 } },
                          },
                        },
                      },
                    },
                  },
                },
                suppressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["kind"],
                    additionalProperties: false,
                    properties: { kind: { enum: ["inSource", "external"] }, justification: { type: "string" } },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

describe("risk: SARIF", () => {
  const finding = {
    rule: "drop-table",
    tier: "dangerous",
    line: 3,
    message: "Table is dropped.",
    safer: "Do not.",
    effects: ["drop"],
  } as const;
  const file = (name: string, more: object = {}): FileRisk => ({
    file: name,
    tier: "dangerous",
    effects: ["drop"],
    findings: [{ ...finding, ...more }],
    unknowns: [],
  });
  const log = JSON.parse(
    renderSarif([
      file("prisma/migrations/1 a#ñ/migration.sql"),
      file("/abs/1/migration.sql", { ignored: { reason: "known" } }),
      { ...file("c"), findings: [] },
    ]),
  ) as {
    runs: { tool: { driver: { rules: { id: string }[] } }; results: Record<string, unknown>[] }[];
  };

  it("has the shape of SARIF 2.1.0", () => {
    const validate = new Ajv({ strict: true, allErrors: true }).compile(schema);
    assert.ok(validate(log), JSON.stringify(validate.errors, null, 1));
  });

  it("describes every rule, and points at it and at the line", () => {
    const [run] = log.runs;
    assert.deepEqual(
      run?.tool.driver.rules.map(({ id }) => id),
      rules.map(({ id }) => id),
    );
    assert.equal(run.results.length, 2);
    assert.equal(rules[Number(run.results[0]?.["ruleIndex"])]?.id, "drop-table");
    assert.equal(run.results[0]?.["level"], "error");
    assert.match(
      JSON.stringify(run.results[0]),
      /"uri":"prisma\/migrations\/1%20a%23%C3%B1\/migration\.sql"},"region":{"startLine":3}/,
    );
    assert.match(
      JSON.stringify(run.results[1]),
      /"uri":"file:\/\/\/abs\/1\/migration\.sql".*"suppressions":\[{"kind":"inSource","justification":"known"}\]/,
    );
  });
});
