import type { Model } from "../../prisma/datamodel.js";
import { type Tracked, type TrackedBlock, type TrackedLine, blockLines, enumNames } from "../../prisma/schemaBlocks.js";
import type { SchemaFile } from "../../prisma/schemaFiles.js";
import { prismaType } from "./prismaType.js";
import { enumValueOf, indexOf, uniqueOf, withType, withoutUnique } from "./schemaLine.js";
import type { Shape, ShapeTable } from "./shape.js";

/** A Prisma schema that is as it is to be after the last step of a series. */
export interface SchemaAtEnd {
  readonly files: readonly SchemaFile[];
  readonly models: readonly Model[];
}

/**
 * The lines of a Prisma schema that have to be others after each step of a series: a column that goes later, one that is required
 * later, an index that is not there yet, an enum's values.
 *
 * @param shapes what the database is after each step; the last is what the schema says now
 * @param names of the steps
 */
export function schemaSteps(
  { files, models }: SchemaAtEnd,
  shapes: readonly Shape[],
  names: readonly string[],
): Tracked {
  const last = shapes.at(-1);
  if (last === undefined) return { lines: [], blocks: [] };
  const ends = new Ends(names);
  const blocks = newEnums(files, shapes, last);
  const enums = new Map([...enumNames(files), ...blocks.map(({ name }): [string, string] => [name, name])]);
  const lines = models.flatMap((model) => {
    const at = `${model.schema}.${model.table}`;
    const steps = shapes.map(({ tables }) => tables.get(at));
    return new ModelSteps(model, blockLines(files, "model", model.name) ?? [], steps, { enums, ends }).lines();
  });
  return { lines: [...lines, ...enumValues(files, shapes, last, ends)], blocks };
}

/** Says at the end of a line how long it stays. */
class Ends {
  constructor(readonly names: readonly string[]) {}

  /** @param isThere for each step whether the line is there. */
  until(isThere: readonly boolean[]): string {
    const gone = isThere.indexOf(false, isThere.indexOf(true));
    return gone === -1 ? "" : ` // until ${this.names[gone] ?? ""}`;
  }

  /** A line that is not there yet, as a comment. */
  after(line: string, isThere: readonly boolean[]): string {
    return `// from ${this.names[isThere.indexOf(true)] ?? "later"} on: ${line}`;
  }
}

interface Surroundings {
  readonly enums: ReadonlyMap<string, string>;
  readonly ends: Ends;
}

class ModelSteps {
  readonly #last: ShapeTable | undefined;

  constructor(
    readonly model: Model,
    readonly text: readonly string[],
    /** undefined: the table is not there. */
    readonly steps: readonly (ShapeTable | undefined)[],
    readonly around: Surroundings,
  ) {
    this.#last = steps.at(-1);
  }

  lines(): TrackedLine[] {
    return [...this.#fields(), ...this.#columnsThatGo(), ...this.#indexes()].filter(({ states }) =>
      states.some((state) => state !== states.at(-1)),
    );
  }

  #line(states: readonly (string | null)[]): TrackedLine {
    return { kind: "model", block: this.model.name, states };
  }

  #fieldOf(column: string): string {
    return this.model.columns.find((known) => known.column === column)?.field ?? identifier(column);
  }

  /** Lines that are there all the time: required, type, `@unique`. */
  #fields(): TrackedLine[] {
    return this.model.columns.flatMap(({ field, column, list }) => {
      const line = this.text.find((text) => new RegExp(`^${field}\\s`).test(text));
      const end = this.#last?.columns.get(column);
      if (line === undefined || end === undefined) return [];
      const unique = uniqueOf(line);
      const index = unique === undefined ? undefined : (unique.map ?? this.#defaultName([column], true));
      const states = this.steps.map((step) => {
        const now = step?.columns.get(column);
        if (step === undefined || now === undefined) return line;
        const otherType =
          now.type !== undefined && JSON.stringify(now.type) !== JSON.stringify(end.type) && !list
            ? prismaType(now.type, this.around.enums)
            : undefined;
        const required = now.notNull === end.notNull ? undefined : now.notNull;
        const typed = otherType === undefined && required === undefined ? line : withType(line, otherType, required);
        return index === undefined || this.#has(step, index) ? typed : withoutUnique(typed);
      });
      return [this.#line(states)];
    });
  }

  /** Columns that the schema no longer has, or that have another name on the way. */
  #columnsThatGo(): TrackedLine[] {
    const gone = new Set(this.steps.flatMap((step) => [...(step?.columns.keys() ?? [])]));
    return [...gone]
      .filter((column) => this.#last !== undefined && !this.#last.columns.has(column))
      .map((column) => {
        const until = this.around.ends.until(this.steps.map((step) => step?.columns.has(column) === true));
        const field = identifier(column);
        const map = field === column ? "" : ` @map("${column}")`;
        return this.#line(
          this.steps.map((step) => {
            const now = step?.columns.get(column);
            if (now?.type === undefined) return null;
            const { name, native } = prismaType(now.type, this.around.enums);
            const arity = now.type.array ? "[]" : now.notNull ? "" : "?";
            // The client does not see what Prisma has no type for, and takes no @ignore there.
            const ignore = name.startsWith("Unsupported") ? "" : " @ignore";
            return `${field} ${name}${arity}${map}${native === "" ? "" : ` ${native}`}${ignore}${until}`;
          }),
        );
      });
  }

  #indexes(): TrackedLine[] {
    return [...this.#indexesOfEnd(), ...this.#indexesOnTheWay()];
  }

  /** Those of the schema that are not there yet. */
  #indexesOfEnd(): TrackedLine[] {
    return this.text.flatMap((line) => {
      const index = indexOf(line);
      if (index === undefined) return [];
      const columns = index.fields.map(
        (name) => this.model.columns.find(({ field }) => field === name)?.column ?? name,
      );
      const name = index.map ?? this.#defaultName(columns, index.unique);
      if (this.#last?.indexes.has(name) !== true) return [];
      const isThere = this.steps.map((step) => step === undefined || this.#has(step, name));
      return [this.#line(isThere.map((there) => (there ? line : this.around.ends.after(line, isThere))))];
    });
  }

  /** Those that the schema does not have, or has otherwise. */
  #indexesOnTheWay(): TrackedLine[] {
    const names = new Set(this.steps.flatMap((step) => [...(step?.indexes.keys() ?? [])]));
    return [...names].flatMap((name) => {
      const isThere = this.steps.map((step) => step?.indexes.has(name) === true && !this.#has(step, name));
      if (!isThere.includes(true)) return [];
      const until = this.around.ends.until(isThere);
      return [
        this.#line(
          this.steps.map((step, at) => {
            const index = step?.indexes.get(name);
            if (index === undefined || isThere[at] !== true) return null;
            const fields = index.keys.map((column) => this.#fieldOf(column)).join(", ");
            return `@@${index.unique ? "unique" : "index"}([${fields}], map: "${name}")${until}`;
          }),
        ),
      ];
    });
  }

  /** Whether an index of the end is there as it is at the end. */
  #has(step: ShapeTable, name: string): boolean {
    const [now, end] = [step.indexes.get(name), this.#last?.indexes.get(name)];
    return now !== undefined && end !== undefined && JSON.stringify(now) === JSON.stringify(end);
  }

  /** As Prisma names it; PostgreSQL allows 63 bytes. */
  #defaultName(columns: readonly string[], unique: boolean): string {
    const suffix = unique ? "_key" : "_idx";
    return `${[this.model.table, ...columns].join("_").slice(0, 63 - suffix.length)}${suffix}`;
  }
}

/** Enums that are there on the way only: put behind the one whose name they take, or the last. */
function newEnums(files: readonly SchemaFile[], shapes: readonly Shape[], last: Shape): TrackedBlock[] {
  const known = enumNames(files);
  const names = new Set(shapes.flatMap(({ enums }) => [...enums.keys()]));
  return [...names]
    .filter((key) => !last.enums.has(key))
    .flatMap((key) => {
      const bareName = key.slice(key.indexOf(".") + 1);
      const values = shapes.flatMap(({ enums }) => enums.get(key) ?? []);
      const after = known.get(bareName.replace(/_new$/, ""));
      if (after === undefined || known.has(bareName)) return [];
      const schema = blockLines(files, "enum", after)?.filter((line) => line.startsWith("@@schema"));
      const lines = [...new Set(values)].map(enumLine);
      const map = identifier(bareName) === bareName ? [] : [`@@map("${bareName}")`];
      return [
        {
          ...{ after, kind: "enum" as const, name: identifier(bareName) },
          lines: [...lines, ...map, ...(schema ?? [])],
          states: shapes.map(({ enums }) => enums.has(key)),
        },
      ];
    });
}

/** Values of the schema's enums that come or go on the way. */
function enumValues(files: readonly SchemaFile[], shapes: readonly Shape[], last: Shape, ends: Ends): TrackedLine[] {
  const known = enumNames(files);
  return [...last.enums.keys()].flatMap((key) => {
    const block = known.get(key.slice(key.indexOf(".") + 1));
    const text = block === undefined ? undefined : blockLines(files, "enum", block);
    if (block === undefined || text === undefined) return [];
    const values = new Set(shapes.flatMap(({ enums }) => enums.get(key) ?? []));
    return [...values].flatMap((value): TrackedLine[] => {
      const isThere = shapes.map(({ enums }) => enums.get(key)?.includes(value) === true);
      if (!isThere.includes(false)) return [];
      const line = text.find((one) => enumValueOf(one) === value);
      const atEnd = isThere.at(-1) === true;
      if (atEnd && line === undefined) return [];
      const states = isThere.map((there) => {
        if (atEnd) return there ? (line ?? "") : ends.after(line ?? "", isThere);
        return there ? `${enumLine(value)}${ends.until(isThere)}` : null;
      });
      return [{ kind: "enum", block, states }];
    });
  });
}

function enumLine(value: string): string {
  return identifier(value) === value ? value : `${identifier(value)} @map("${value}")`;
}

/** A name that Prisma takes. */
function identifier(name: string): string {
  const plain = name.replace(/\W/g, "_");
  return /^[A-Za-z]/.test(plain) ? plain : `x${plain}`;
}
