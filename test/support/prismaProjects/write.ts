import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** A Prisma project in a temporary folder. */
export interface TestProject {
  readonly root: string;
  readonly schema: string;
  readonly migrations: string;
  /** Writes or replaces `<name>/migration.sql`. */
  migration(name: string, sql: string): Promise<void>;
  /** Removes a migration's folder, where there is one. */
  withdraw(name: string): Promise<void>;
  /** Replaces the schema; the datasource block is put before it. */
  models(models: string): Promise<void>;
  remove(): Promise<void>;
}

const sample = path.resolve(__dirname, "../../../prisma");
const datasource = `datasource db {\n  provider = "postgresql"\n}\n\n`;

/** Makes a project with a schema of one file, a lock file and the migrations that are given by name. */
export async function writeProject(
  migrations: Readonly<Record<string, string>> = {},
  models = "",
): Promise<TestProject> {
  const project = await emptyProject();
  await mkdir(project.migrations);
  await writeFile(path.join(project.migrations, "migration_lock.toml"), `provider = "postgresql"\n`);
  await project.models(models);
  for (const [name, sql] of Object.entries(migrations)) await project.migration(name, sql);
  return project;
}

/** A copy of the sample application's schema and migrations. */
export async function copySample(): Promise<TestProject> {
  const project = await emptyProject();
  await cp(path.join(sample, "schema.prisma"), project.schema);
  await cp(path.join(sample, "migrations"), project.migrations, { recursive: true });
  return project;
}

async function emptyProject(): Promise<TestProject> {
  const root = await mkdtemp(path.join(tmpdir(), "safe-migration-project-"));
  return {
    root,
    schema: path.join(root, "schema.prisma"),
    migrations: path.join(root, "migrations"),
    async migration(name, sql) {
      await mkdir(path.join(root, "migrations", name), { recursive: true });
      await writeFile(path.join(root, "migrations", name, "migration.sql"), sql);
    },
    withdraw: (name) => rm(path.join(root, "migrations", name), { recursive: true, force: true }),
    models: (text) => writeFile(path.join(root, "schema.prisma"), datasource + text),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
