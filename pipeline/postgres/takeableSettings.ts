import type pg from "pg";
import { z } from "zod";
import type { Logger } from "../log.js";
import type { DatabaseProperties } from "./databaseProperties.js";
import { environmentSetting, withCommentMark } from "./identity.js";

const names = z.array(z.strictObject({ name: z.string() }));

/**
 * The properties of a database as the connected role may give them to another one. What only a superuser may set, as on the server that
 * the backup was made of, the administrator of a managed server may not: such a setting is left out, and named. The environment's mark is
 * one, and goes into the comment there (see `markEnvironment`).
 */
export async function takeableProperties(
  client: pg.ClientBase,
  properties: DatabaseProperties,
  log: Logger,
): Promise<DatabaseProperties> {
  const forbidden = await readForbidden(client, [...new Set(properties.settings.map(({ name }) => name))]);
  if (forbidden.size === 0) return properties;
  const settings = properties.settings.filter(({ name }) => !forbidden.has(name));
  const left = [...forbidden].filter((name) => name !== environmentSetting);
  if (left.length > 0) log.warn(`settings that only a superuser may give a database are left out: ${left.join(", ")}`);
  const mark = properties.settings.find(({ name, role }) => name === environmentSetting && role === undefined)?.value;
  if (mark === undefined || !forbidden.has(environmentSetting)) return { ...properties, settings };
  return { ...properties, settings, comment: withCommentMark(properties.comment, mark) };
}

/** Before 15 nobody was asked about a setting that no module declares; since then it is a superuser's, or whom one has let. */
async function readForbidden(client: pg.ClientBase, settings: readonly string[]): Promise<ReadonlySet<string>> {
  if (settings.length === 0) return new Set();
  const { rows: known } = await client.query<{ super: boolean; version: number }>(
    `SELECT current_setting('is_superuser') = 'on' AS super, current_setting('server_version_num')::int AS version`,
  );
  const [row] = known;
  if (row === undefined || row.super) return new Set();
  const may =
    row.version >= 150_000
      ? "s.context = 'user' OR has_parameter_privilege(current_user, w.name, 'SET')"
      : "s.name IS NULL OR s.context = 'user'";
  const { rows } = await client.query(
    `SELECT w.name FROM unnest($1::text[]) w(name) LEFT JOIN pg_settings s ON lower(s.name) = lower(w.name)
     WHERE (${may}) IS NOT TRUE`,
    [settings],
  );
  return new Set(names.parse(rows).map(({ name }) => name));
}
