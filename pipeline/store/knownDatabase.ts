import { z } from "zod";
import type { Identity } from "../contracts.js";
import { PipelineError } from "../errors.js";
import { parseJson } from "../json.js";
import { npmRun } from "../npmRun.js";
import type { Store } from "./store.js";

/** In an environment's folder of the store: which database is its own. */
const knownName = "database.json";

const known = z.strictObject({
  systemIdentifier: z.string(),
  database: z.string(),
  since: z.iso.datetime(),
  /** Who said that it is this one, where it took another one's place. */
  acceptedBy: z.string().optional(),
});
const recordSchema = z.strictObject({
  format: z.literal(1),
  environment: z.string(),
  now: known,
  /** Those that it was before, the newest first. */
  before: z.array(known),
});
export type KnownDatabase = z.infer<typeof recordSchema>;

type Where = Pick<Identity, "systemIdentifier" | "database">;

/**
 * The database that an environment's first run recorded as its own; `undefined` before that.
 *
 * @throws PipelineError where the record cannot be read as one: it must not be taken for none.
 */
export async function readKnownDatabase(store: Store, environment: string): Promise<KnownDatabase | undefined> {
  const path = `${environment}/${knownName}`;
  const text = await store.read(path);
  if (text === undefined) return undefined;
  const parsed = recordSchema.safeParse(parseJson(text));
  if (parsed.success && parsed.data.environment === environment) return parsed.data;
  throw new PipelineError({
    code: "KNOWN_DATABASE",
    kind: "refused",
    message: `${store.urlOf(path)}, which says what database "${environment}" has, is not what this program writes.`,
    state: "Nothing was touched.",
    next: `Look at it; to have it written anew by the next run, remove it. Then run the same command.`,
  });
}

/**
 * Whether a database is the one that the environment has had since its first run, known by its server's system identifier and
 * its name: a server that was moved, replaced or mistaken is told apart, whatever the host name says.
 *
 * @throws PipelineError (`DATABASE_MOVED`, refused) where it is another one, with the command that accepts it.
 */
export async function assertKnownDatabase(store: Store, environment: string, seen: Where): Promise<void> {
  const record = await readKnownDatabase(store, environment);
  if (record === undefined || isSame(record.now, seen)) return;
  const { now } = record;
  throw new PipelineError({
    code: "DATABASE_MOVED",
    kind: "refused",
    message:
      `This is database "${seen.database}" of the server with system identifier ${seen.systemIdentifier}; since ${now.since} ` +
      `"${environment}" has been database "${now.database}" of ${now.systemIdentifier}.`,
    state: "Nothing was touched.",
    next:
      `Point the configuration at the right server. Where it was moved or replaced on purpose, say so, and run the same command again: ` +
      npmRun(environment, "db:accept", "--system", seen.systemIdentifier),
  });
}

/** As {@link assertKnownDatabase}; the first database of an environment is recorded. */
export async function recordKnownDatabase(store: Store, environment: string, seen: Where): Promise<void> {
  await assertKnownDatabase(store, environment, seen);
  if ((await readKnownDatabase(store, environment)) === undefined) await write(store, environment, seen, [], undefined);
}

/** Records that an environment's database is another one from now on. @returns what it was before. */
export async function acceptDatabase(
  store: Store,
  environment: string,
  seen: Where,
  acceptedBy: string,
): Promise<KnownDatabase["now"] | undefined> {
  const record = await readKnownDatabase(store, environment);
  if (record !== undefined && isSame(record.now, seen)) return record.now;
  const before = record === undefined ? [] : [record.now, ...record.before];
  await write(store, environment, seen, before, acceptedBy);
  return record?.now;
}

function isSame(one: Where, other: Where): boolean {
  return one.systemIdentifier === other.systemIdentifier && one.database === other.database;
}

async function write(
  store: Store,
  environment: string,
  { systemIdentifier, database }: Where,
  before: KnownDatabase["before"],
  acceptedBy: string | undefined,
): Promise<void> {
  const since = new Date().toISOString();
  const now = { systemIdentifier, database, since, ...(acceptedBy === undefined ? {} : { acceptedBy }) };
  const record: KnownDatabase = { format: 1, environment, now, before };
  await store.write(`${environment}/${knownName}`, `${JSON.stringify(record, null, 2)}\n`);
}
