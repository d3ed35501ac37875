import ts from "typescript";

/** A key of the configuration, as its TypeScript type has it. */
export interface Key {
  /** From the section on: `window.open[].from`. */
  readonly path: string;
  /** The way to it in the JSON schema: property names, `[]` for a list's item, a number for one of several forms. */
  readonly steps: readonly (string | number)[];
  /** What it may be: `"refuse" | "warn"`, `number`, `list`. */
  readonly type: string;
  /** Its comment. */
  readonly doc: string;
  /** Where its object has several forms, that of this key: `from: file`. */
  readonly form?: string;
}

/** All keys of a type that a file exports, in their order, those of objects after the object's own. */
export function keysOf(file: string, typeName: string, options: ts.CompilerOptions): Key[] {
  const program = ts.createProgram([file], options);
  const checker = program.getTypeChecker();
  const alias = program
    .getSourceFile(file)
    ?.statements.find((statement) => ts.isTypeAliasDeclaration(statement) && statement.name.text === typeName);
  if (alias === undefined) throw new Error(`${file} has no type ${typeName}`);
  return propertiesOf(checker, checker.getTypeAtLocation(alias), "", [], undefined);
}

function propertiesOf(
  checker: ts.TypeChecker,
  type: ts.Type,
  prefix: string,
  steps: readonly (string | number)[],
  form: string | undefined,
): Key[] {
  return type.getProperties().flatMap((property) => {
    const own = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    const path = `${prefix}${property.name}`;
    const doc = ts.displayPartsToString(property.getDocumentationComment(checker)).replace(/\s+/g, " ").trim();
    const key: Key = {
      path,
      steps: [...steps, property.name],
      type: describe(checker, own),
      doc,
      ...(form === undefined ? {} : { form }),
    };
    return [key, ...inside(checker, own, path, key.steps, form)];
  });
}

/** The keys within a value. */
function inside(
  checker: ts.TypeChecker,
  type: ts.Type,
  path: string,
  steps: readonly (string | number)[],
  form: string | undefined,
): Key[] {
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    return item === undefined ? [] : inside(checker, item, `${path}[]`, [...steps, "[]"], form);
  }
  if (isObject(type)) return propertiesOf(checker, type, `${path}.`, steps, form);
  if (!type.isUnion() || !type.types.every(isObject)) return [];
  return type.types.flatMap((one, at) => propertiesOf(checker, one, `${path}.`, [...steps, at], formOf(checker, one)));
}

function isObject(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.Object) !== 0;
}

/** The property by which one of several forms is told from the others: the first that can have one value only. */
function formOf(checker: ts.TypeChecker, type: ts.Type): string | undefined {
  for (const property of type.getProperties()) {
    const value = checker.getTypeOfSymbol(property);
    if (value.isStringLiteral()) return `${property.name}: ${value.value}`;
  }
  return undefined;
}

function describe(checker: ts.TypeChecker, type: ts.Type): string {
  if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    return item === undefined || isObject(item) ? "list" : `list of ${describe(checker, item)}`;
  }
  if (isObject(type) || (type.isUnion() && type.types.every(isObject))) return "object";
  if (type.flags & ts.TypeFlags.Boolean) return "true, false";
  if (type.isUnion()) return type.types.map((one) => describe(checker, one)).join(", ");
  return type.isStringLiteral() ? type.value : checker.typeToString(type);
}
