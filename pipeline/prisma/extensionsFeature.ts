import type { PrismaSchema } from "./schema.js";
import { blankDatasourceProperties, withoutPreviewFeatures } from "./schemaText.js";

/**
 * The preview feature `postgresqlExtensions` in Prisma's WebAssembly engine: it sees the extensions of the database and of the schema,
 * and none in what migrations make. So it takes every extension for drift, plpgsql too, and writes CREATE EXTENSION into
 * every new migration.
 */
const feature = new Set(["postgresqlExtensions"]);

/** The schema without the feature, for comparisons with what migrations make; extensions are then on neither side. */
export function withoutExtensionsFeature(schema: PrismaSchema): PrismaSchema {
  const files = schema.files.map(({ path, content }) => {
    const changed = withoutPreviewFeatures(content, feature);
    return { path, content: blankDatasourceProperties(changed, ["extensions"]) };
  });
  const { olderProperties, relationMode, schemas, defaultSchema } = schema;
  return {
    files,
    olderProperties,
    relationMode,
    schemas,
    defaultSchema,
    get models() {
      return schema.models;
    },
    get relations() {
      return schema.relations;
    },
  };
}

/** A new migration without the extensions that the migrations before it have made. */
export function withoutKnownExtensions(sql: string, known: ReadonlySet<string>): string {
  return sql.replace(
    /^-- CreateExtension\nCREATE EXTENSION IF NOT EXISTS "((?:[^"]|"")+)"[^;\n]*;\n*/gm,
    (block: string, name: string) => (known.has(name.replaceAll('""', '"')) ? "" : block),
  );
}
