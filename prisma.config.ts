import { defineConfig } from "prisma/config";

/**
 * What Prisma's own CLI works on. Every value comes from the runner (`npm run prisma:…`), which knows the environment and where the
 * password is; an ambient `DATABASE_URL` is not read, so that no command reaches a database by accident. Without the runner, commands
 * that need a database say that there is no URL; the others work.
 */
const url = process.env.SAFE_MIGRATION_URL;

export default defineConfig({
  schema: process.env.SAFE_MIGRATION_SCHEMA ?? "prisma/schema.prisma",
  migrations: { path: process.env.SAFE_MIGRATION_MIGRATIONS ?? "prisma/migrations" },
  ...(url === undefined ? {} : { datasource: { url } }),
});
