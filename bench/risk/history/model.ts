/** A Prisma schema, as far as the made history changes it. */
export interface Field {
  name: string;
  /** `Int`, `String`, an enum's name … */
  type: string;
  /** `@db.VarChar(100)`; empty: none. */
  native: string;
  optional: boolean;
  list: boolean;
  /** As it stands in `@default(…)`; empty: none. */
  value: string;
  unique: boolean;
}

/** A key to another model's `id`, with its column. */
export interface Link {
  readonly column: string;
  readonly to: string;
  optional: boolean;
  onDelete: "Cascade" | "SetNull" | "Restrict";
}

export interface Model {
  name: string;
  id: string;
  fields: Field[];
  links: Link[];
  indexes: string[][];
}

export interface Schema {
  models: Model[];
  enums: { name: string; values: string[] }[];
}

const head = `datasource db {\n  provider = "postgresql"\n}\n`;

/** The schema as a `.prisma` text. */
export function render({ models, enums }: Schema): string {
  const parts = [
    ...enums.map(({ name, values }) => `enum ${name} {\n${values.map((value) => `  ${value}\n`).join("")}}\n`),
    ...models.map((model) => renderModel(model, models)),
  ];
  return [head, ...parts].join("\n");
}

function renderModel(model: Model, models: readonly Model[]): string {
  const back = models.flatMap((other) =>
    other.links.flatMap((link) =>
      link.to === model.name ? [`${relation(other, link)} ${other.name}[] @relation("${relation(other, link)}")`] : [],
    ),
  );
  const lines = [
    `id ${model.id}`,
    ...model.fields.map(renderField),
    ...model.links.flatMap((link) => [
      `${link.column} ${idType(models, link.to)}${link.optional ? "?" : ""}`,
      `${link.column}_ref ${link.to}${link.optional ? "?" : ""} @relation("${relation(model, link)}", fields: [${link.column}], references: [id], onDelete: ${link.onDelete})`,
    ]),
    ...back,
    ...model.indexes.map((columns) => `@@index([${columns.join(", ")}])`),
  ];
  return `model ${model.name} {\n${lines.map((line) => `  ${line}\n`).join("")}}\n`;
}

function relation(model: Model, link: Link): string {
  return `${model.name}_${link.column}`;
}

function idType(models: readonly Model[], name: string): string {
  return models.find((model) => model.name === name)?.id.split(" ")[0] ?? "String";
}

function renderField({ name, type, native, optional, list, value, unique }: Field): string {
  const parts = [
    name,
    `${type}${list ? "[]" : optional ? "?" : ""}`,
    ...(value === "" ? [] : [`@default(${value})`]),
    ...(unique ? ["@unique"] : []),
    ...(native === "" ? [] : [native]),
  ];
  return parts.join(" ");
}

/** A deep copy, to be changed. */
export function copy(schema: Schema): Schema {
  return structuredClone(schema);
}

/**
 * The parts of two schemas that differ, with what those refer to: Prisma writes the same for them as for the whole, and much
 * sooner.
 */
export function differing(before: Schema, after: Schema): [Schema, Schema] {
  const text = (schema: Schema, name: string) => JSON.stringify(schema.models.find((model) => model.name === name));
  const values = (schema: Schema, name: string) => JSON.stringify(schema.enums.find((one) => one.name === name));
  const all = [...before.models, ...after.models];
  const changed = all.filter(
    ({ name, fields }) =>
      text(before, name) !== text(after, name) ||
      fields.some(({ type }) => values(before, type) !== values(after, type)),
  );
  const names = new Set(changed.flatMap(({ name, links }) => [name, ...links.map(({ to }) => to)]));
  const restrict = (schema: Schema): Schema => ({
    enums: schema.enums,
    models: schema.models
      .filter(({ name }) => names.has(name))
      .map((model) => {
        const gone = new Set(model.links.filter(({ to }) => !names.has(to)).map(({ column }) => column));
        return {
          ...model,
          links: model.links.filter(({ column }) => !gone.has(column)),
          indexes: model.indexes.filter((columns) => !columns.some((column) => gone.has(column))),
        };
      }),
  });
  return [restrict(before), restrict(after)];
}
