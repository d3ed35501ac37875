import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { z } from "zod";

/** What a value may be. `any`: of several kinds, or of one that is not told. */
export type Kind =
  | { readonly is: "string" | "number" | "boolean" | "any" }
  | { readonly is: "list" | "map"; readonly of: Kind }
  /** An object of the type of this name. */
  | { readonly is: "object"; readonly type: string };

export interface ObjectType {
  readonly properties: Readonly<Record<string, Kind>>;
  readonly required: readonly string[];
}

/** A resource or a question. */
export interface Declared {
  readonly inputs: ObjectType;
  /** Names of what it has, or of what it answers. */
  readonly outputs: readonly string[];
}

/** What a version of `@pulumi/aws` declares of some resources and questions, and of the types of their properties. */
export interface Schema {
  readonly version: string;
  readonly resources: Readonly<Record<string, Declared>>;
  readonly functions: Readonly<Record<string, Declared>>;
  readonly types: Readonly<Record<string, ObjectType>>;
  readonly regions: readonly string[];
}

const folder = dirname(require.resolve("@pulumi/aws/package.json"));

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(folder, file), "utf8"), ts.ScriptTarget.ES2022);
}

type Members = ts.NodeArray<ts.TypeElement | ts.ClassElement>;

/** The members of the classes and interfaces of a declaration file, by name; those of a namespace with its name before. */
function declarations(source: ts.SourceFile): ReadonlyMap<string, Members> {
  const found = new Map<string, Members>();
  const visit = (nodes: readonly ts.Statement[], prefix: string) => {
    for (const node of nodes) {
      if ((ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) && node.name !== undefined)
        found.set(prefix + node.name.text, node.members);
      if (ts.isModuleDeclaration(node) && node.body !== undefined && ts.isModuleBlock(node.body))
        visit(node.body.statements, `${prefix}${node.name.text}.`);
    }
  };
  visit(source.statements, "");
  return found;
}

function nameOf(member: { readonly name?: ts.PropertyName }): string {
  return member.name !== undefined && (ts.isIdentifier(member.name) || ts.isStringLiteral(member.name))
    ? member.name.text
    : "";
}

/** Reads what the package declares of these. @throws Error naming what it does not declare. */
export function readSchema(resources: readonly string[], functions: readonly string[]): Schema {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  const inputTypes = declarations(parse("types/input.d.ts"));
  const types: Record<string, ObjectType> = {};

  const objectType = (members: Members): ObjectType => {
    const properties: Record<string, Kind> = {};
    const required: string[] = [];
    for (const member of members) {
      if (!ts.isPropertySignature(member) || member.type === undefined) continue;
      properties[nameOf(member)] = kindOf(member.type);
      if (member.questionToken === undefined) required.push(nameOf(member));
    }
    return { properties, required };
  };

  const reference = (name: string): Kind => {
    const members = inputTypes.get(name);
    if (members === undefined) throw new Error(`@pulumi/aws ${version} declares no inputs.${name}`);
    if (!(name in types)) {
      // Before its members are looked at: a type may hold itself.
      types[name] = { properties: {}, required: [] };
      types[name] = objectType(members);
    }
    return { is: "object", type: name };
  };

  const kindOf = (type: ts.TypeNode): Kind => {
    if (type.kind === ts.SyntaxKind.StringKeyword) return { is: "string" };
    if (type.kind === ts.SyntaxKind.NumberKeyword) return { is: "number" };
    if (type.kind === ts.SyntaxKind.BooleanKeyword) return { is: "boolean" };
    if (ts.isArrayTypeNode(type)) return { is: "list", of: kindOf(type.elementType) };
    if (ts.isUnionTypeNode(type)) {
      const some = type.types.filter((one) => one.kind !== ts.SyntaxKind.UndefinedKeyword);
      const kinds = some.map(kindOf).filter(({ is }) => is !== "any");
      const [first] = kinds;
      const alike = kinds.every((kind) => JSON.stringify(kind) === JSON.stringify(first));
      return first !== undefined && alike ? first : { is: "any" };
    }
    if (ts.isTypeLiteralNode(type)) {
      const [member] = type.members;
      return member !== undefined && ts.isIndexSignatureDeclaration(member)
        ? { is: "map", of: kindOf(member.type) }
        : { is: "any" };
    }
    if (!ts.isTypeReferenceNode(type)) return { is: "any" };
    const name = entityText(type.typeName);
    const [argument] = type.typeArguments ?? [];
    if (name === "pulumi.Input" && argument !== undefined) return kindOf(argument);
    // Of another resource the engine is told its name or id; the values of an enumeration are not closed.
    if (name.startsWith("inputs.")) return reference(name.slice("inputs.".length));
    return { is: "any" };
  };

  const read = (token: string, suffix: { readonly inputs: string; readonly outputs: string }): Declared => {
    const [, module = "", name = ""] = token.split(":");
    const found = declarations(parse(`${module.replace(/^index\//, "")}.d.ts`));
    const inputs = found.get(upper(name) + suffix.inputs);
    const outputs = found.get(upper(name) + suffix.outputs);
    if (inputs === undefined || outputs === undefined) throw new Error(`@pulumi/aws ${version} declares no ${token}`);
    const shown = outputs.filter((member) => ts.isPropertyDeclaration(member) || ts.isPropertySignature(member));
    return { inputs: objectType(inputs), outputs: shown.map(nameOf).filter((output) => output !== "__pulumiType") };
  };
  const readAll = (tokens: readonly string[], suffix: Parameters<typeof read>[1]) =>
    Object.fromEntries(tokens.map((token) => [token, read(token, suffix)]));

  return {
    version,
    resources: readAll(resources, { inputs: "Args", outputs: "" }),
    functions: readAll(functions, { inputs: "Args", outputs: "Result" }),
    types,
    regions: regions(),
  };
}

const upper = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

function entityText(name: ts.EntityName): string {
  return ts.isIdentifier(name) ? name.text : `${entityText(name.left)}.${name.right.text}`;
}

/** The values of the enumeration `Region`. */
function regions(): string[] {
  const text = readFileSync(join(folder, "types/enums/index.d.ts"), "utf8");
  const [, body = ""] = /const Region: \{([\s\S]*?)\n\};/.exec(text) ?? [];
  return [...body.matchAll(/: "([a-z0-9-]+)";/g)].map(([, value = ""]) => value);
}
