import pg from "pg";
import type { Node } from "libpg-query";
import { optionIsFalse, optionNames } from "./definitionOptions.js";

/** Tells what a statement left that no transaction protects, after it failed or its run was killed. */
export interface Remains {
  /** What it would leave was not there before, so that what is there afterwards is its own. */
  readonly own: boolean;
  /** It did what it was to do. Only to be asked of what is {@link own}. */
  isDone(): Promise<boolean>;
  /** Removes what it left half done, where that is safe; `true`: it is proved that nothing of it is there. Only of what is {@link own}. */
  clear(): Promise<boolean>;
  /** As `clear`, also where something of the same name was there before: `true` if that is as it was. */
  cleared(): Promise<boolean>;
}

/** Looks at what a statement outside of a transaction could leave, before it is sent. */
export async function watchRemains(client: pg.Client, node: Node): Promise<Remains> {
  if ("VacuumStmt" in node || "ClusterStmt" in node) return repeatable(() => Promise.resolve());
  if ("ReindexStmt" in node) {
    const { params } = node.ReindexStmt;
    const concurrently = optionNames(params).includes("concurrently") && !optionIsFalse(params, "concurrently");
    if (!concurrently) return repeatable(() => Promise.resolve());
    const before = new Set((await halfBuilt(client)).map(({ oid }) => oid));
    return repeatable(() => dropHalfBuilt(client, before));
  }
  if ("IndexStmt" in node && node.IndexStmt.concurrent === true) return ofNewIndex(client, node.IndexStmt);
  const no = () => Promise.resolve(false);
  return { own: false, isDone: no, clear: no, cleared: no };
}

/** A statement that changes no data, and may be done again from the start. */
function repeatable(tidy: () => Promise<void>): Remains {
  const clear = () => tidy().then(() => true);
  return { own: true, isDone: () => Promise.resolve(false), clear, cleared: clear };
}

/**
 * CREATE INDEX CONCURRENTLY leaves an invalid index when it fails, which every write has to keep up to date; it is dropped if
 * its name was free before.
 */
async function ofNewIndex(
  client: pg.Client,
  { relation, idxname: name }: Extract<Node, { IndexStmt: unknown }>["IndexStmt"],
): Promise<Remains> {
  const table = relation?.relname;
  const no = () => Promise.resolve(false);
  // A name that PostgreSQL chooses cannot be looked for.
  if (name === undefined || table === undefined) return { own: false, isDone: no, clear: no, cleared: no };
  // An index is always in the schema of its table.
  const qualified = [relation?.schemaname, table].flatMap((part) =>
    part === undefined ? [] : [pg.escapeIdentifier(part)],
  );
  const find = async (): Promise<Found | undefined> => {
    const { rows } = await client.query<Found>(
      `select n.nspname as schema, i.indisvalid and i.indisready as valid from pg_index i
         join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
        where c.relname = $2 and c.relnamespace = (select relnamespace from pg_class where oid = to_regclass($1))`,
      [qualified.join("."), name],
    );
    return rows[0];
  };
  const before = await find();
  const clear = async () => {
    const left = await find();
    if (left !== undefined) await dropIndex(client, left.schema, name);
    return (await find()) === undefined;
  };
  return {
    own: before === undefined,
    isDone: async () => (await find())?.valid === true,
    clear,
    cleared: async () => (before === undefined ? clear() : (await find())?.valid === before.valid),
  };
}

interface Found {
  readonly schema: string;
  readonly valid: boolean;
}

interface HalfBuilt {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

/** What REINDEX CONCURRENTLY leaves when it fails: the new index that was not finished, or the old one that was not dropped. */
async function halfBuilt(client: pg.Client): Promise<HalfBuilt[]> {
  const { rows } = await client.query<HalfBuilt>(
    `select c.oid::int8::int as oid, n.nspname as schema, c.relname as name from pg_index i
       join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$' and n.nspname !~ '^pg_'`,
  );
  return rows;
}

async function dropHalfBuilt(client: pg.Client, before: ReadonlySet<number>): Promise<void> {
  for (const { oid, schema, name } of await halfBuilt(client))
    if (!before.has(oid)) await dropIndex(client, schema, name);
}

async function dropIndex(client: pg.Client, schema: string, name: string): Promise<void> {
  await client.query(`drop index concurrently if exists ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`);
}
