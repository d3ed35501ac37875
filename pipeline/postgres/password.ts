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
      return passwordOf(await readPassfile(source.path), source.path, target);
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

type Target = Pick<Database, "host" | "port" | "user" | "name">;

/**
 * The password for a target in the text of a libpq password file: the first line that matches, `*` matching anything and
 * `\` taking the next character literally (PostgreSQL manual, "The Password File").
 */
export function findInPassfile(text: string, { host, port, name, user }: Target): string | undefined {
  const wanted = [host, String(port), name, user];
  return linesOf(text).find(({ fields }) => fields.every((field, at) => field === "*" || field === wanted[at]))
    ?.password;
}

/**
 * The password of a connection. A password is the role's on the whole server, and the copies that rehearse, restore and the look for
 * drift make beside a database have names that nobody could have written down; so a line for another database of that server and role
 * will do where none is for this one. libpq itself would not take it.
 *
 * @throws PipelineError (`NO_PASSWORD`) with the line to write, where there is none, or where such lines do not agree.
 */
function passwordOf(text: string, path: string, target: Target): string {
  const own = findInPassfile(text, target);
  if (own !== undefined) return own;
  const others = linesOf(text).flatMap(({ fields: [host, port, , user], password }) => {
    const wanted = [target.host, String(target.port), target.user];
    return [host, port, user].every((field, at) => field === "*" || field === wanted[at]) ? [password] : [];
  });
  const [first] = others;
  if (first !== undefined && others.every((password) => password === first)) return first;
  const { host, port, name, user } = target;
  const line = [host, String(port), "*", user].map((field) => field.replace(/[\\:]/g, "\\$&")).join(":");
  const why =
    first === undefined ? "" : ", and those for other databases of that server and role hold different passwords";
  throw noPassword(
    `${path} has no line for ${host}:${port}:${name}:${user}${why}`,
    undefined,
    `Write this line into ${path}, with the role's password (the * stands for the copies, too, that are made beside the database): ${line}:PASSWORD   Then run the same command.`,
  );
}

interface Line {
  /** Host, port, database and user. */
  readonly fields: readonly string[];
  readonly password: string;
}

function linesOf(text: string): Line[] {
  return text.split(/\r?\n/).flatMap((line): Line[] => {
    if (line.startsWith("#")) return [];
    // Without the colon that ends it; one that is escaped at the end of the password is its own.
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field = ""]) =>
      field.replace(/\\(.)/g, "$1"),
    );
    const password = fields[4];
    return password === undefined ? [] : [{ fields: fields.slice(0, 4), password }];
  });
}
