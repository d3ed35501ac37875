import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import * as schema from "../../../tools/command-plugin/schema.js";

const folder = dirname(require.resolve("@pulumi/command/package.json"));

/** The names of the properties that a class or interface of a declaration file declares. */
function declared(file: string, type: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(folder, file), "utf8"), ts.ScriptTarget.ES2022, true);
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) && node.name?.text === type) {
      for (const member of node.members) {
        const isStatic =
          ts.canHaveModifiers(member) && ts.getModifiers(member)?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword);
        if ((ts.isPropertyDeclaration(member) || ts.isPropertySignature(member)) && !isStatic)
          names.push(member.name.getText());
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  assert.ok(names.length > 0, `${type} is not declared in ${file}`);
  return names.sort();
}

const sorted = (names: readonly string[]) => [...new Set(names)].sort();

describe("stand-in for the command plugin: names held against @pulumi/command", () => {
  it("is of the same version", () => {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
    assert.equal(schema.version, version);
  });

  for (const [type, file, name] of [
    ["command:local:Command", "local/command.d.ts", "Command"],
    ["command:remote:Command", "remote/command.d.ts", "Command"],
    ["command:remote:CopyToRemote", "remote/copyToRemote.d.ts", "CopyToRemote"],
  ] as const) {
    it(type, () => {
      const { inputs, outputs } = schema.resources[type];
      assert.deepEqual(sorted(inputs), declared(file, `${name}Args`));
      assert.deepEqual(sorted([...inputs, ...outputs]), declared(file, name));
    });
  }

  it("command:local:run", () => {
    const { inputs, outputs } = schema.functions["command:local:run"];
    assert.deepEqual(sorted(inputs), declared("local/run.d.ts", "RunArgs"));
    assert.deepEqual(sorted([...inputs, ...outputs]), declared("local/run.d.ts", "RunResult"));
  });

  it("connections", () => {
    assert.deepEqual(sorted(schema.connection.inputs), declared("types/input.d.ts", "ProxyConnectionArgs"));
    assert.deepEqual(sorted([...schema.connection.inputs, "proxy"]), declared("types/input.d.ts", "ConnectionArgs"));
  });
});
