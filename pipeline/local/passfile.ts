import { createHmac, createHash, pbkdf2Sync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ifThere, writeWhole } from "./files.js";

/**
 * The libpq password file of a local cluster: the one place where its passwords are, readable by the user who runs this
 * tool only. Lines are `host:port:*:user:password`; names and passwords made here hold no `:` or `\`.
 */
export function passfilePath(directory: string): string {
  return join(directory, "pgpass");
}

/** 192 random bits, of letters, digits, `-` and `_` only, so that no quoting is ever needed. */
export function newPassword(): string {
  return randomBytes(24).toString("base64url");
}

/** One line for each role, of any database. */
export function render(host: string, port: number, passwords: ReadonlyMap<string, string>): string {
  return [...passwords].map(([user, password]) => `${host}:${port}:*:${escape(user)}:${escape(password)}\n`).join("");
}

/** Port and passwords by role in the text of a password file written by {@link render}. */
export function parse(text: string): { port: number | undefined; passwords: Map<string, string> } {
  const passwords = new Map<string, string>();
  let port: number | undefined;
  for (const line of text.split("\n")) {
    const fields = /^[^:]*:(\d+):\*:((?:\\.|[^:\\])*):((?:\\.|[^:\\])*)$/.exec(line);
    if (fields === null) continue;
    port ??= Number(fields[1]);
    passwords.set(unescape(fields[2] ?? ""), unescape(fields[3] ?? ""));
  }
  return { port, passwords };
}

export async function readPassfile(
  directory: string,
): Promise<{ port: number | undefined; passwords: Map<string, string> } | undefined> {
  const text = await ifThere(readFile(passfilePath(directory), "utf8"));
  return text === undefined ? undefined : parse(text);
}

export async function writePassfile(
  directory: string,
  host: string,
  port: number,
  passwords: ReadonlyMap<string, string>,
): Promise<void> {
  await writeWhole(passfilePath(directory), render(host, port, passwords), { mode: 0o600 });
}

/**
 * What PostgreSQL stores of a password (RFC 5803, as `psql`'s `\password` computes it), so that the password itself is
 * in no SQL statement, and so in no server log.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}

function escape(field: string): string {
  return field.replace(/([\\:])/g, "\\$1");
}

function unescape(field: string): string {
  return field.replace(/\\(.)/g, "$1");
}
