import { readFile, stat } from "node:fs/promises";
import type { Database, PasswordSource } from "../contracts.js";
import { PipelineError, messageOf } from "../errors.js";
import { noPassword, readSecret } from "./secret.js";

/** Where a password is found, in words. */
export function describeSource(source: PasswordSource): string {
  switch (source.from) {
    case "passfile":
      return `file ${source.path}`;
    case "environment":
      return `environment variable ${source.variable}`;
    case "secretsManager":
      return `secret ${source.arn}`;
    case "none":
      return "none is configured";
  }
}

/** @throws PipelineError if the source holds no password for this connection. */
export async function readPassword(
  source: PasswordSource,
  target: Pick<Database, "host" | "port" | "user" | "name">,
): Promise<string | undefined> {
  switch (source.from) {
    case "none":
      return undefined;
    case "environment": {
      const value = process.env[source.variable];
      if (value === undefined || value === "") throw noPassword(`environment variable ${source.variable} is not set`);
      return value;
    }
    case "passfile": {
      const text = await readPassfile(source.path);
      const password = findInPassfile(text, target);
      if (password === undefined)
        throw noPassword(`${source.path} has no line for ${target.host}:${target.port}:${target.name}:${target.user}`);
      return password;
    }
    case "secretsManager":
      return readSecret(source.arn);
  }
}

async function readPassfile(path: string): Promise<string> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw noPassword(`${path} can be read by others; run: chmod 600 ${path}`);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof PipelineError) throw error;
    throw noPassword(`${path} cannot be read (${messageOf(error)})`);
  }
}

/**
 * The password for a target in the text of a libpq password file: the first line that matches, `*` matching anything and
 * `\` taking the next character literally (PostgreSQL manual, "The Password File").
 */
export function findInPassfile(
  text: string,
  target: Pick<Database, "host" | "port" | "user" | "name">,
): string | undefined {
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    // Without the colon that ends it; one that is escaped at the end of the password is its own.
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field = ""]) =>
      field.replace(/\\(.)/g, "$1"),
    );
    const [host, port, name, user, password] = fields;
    if (password === undefined) continue;
    const wanted = [target.host, String(target.port), target.name, target.user];
    if ([host, port, name, user].every((field, at) => field === "*" || field === wanted[at])) return password;
  }
  return undefined;
}
