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
    const { params, relation } = node.ReindexStmt;
    const concurrently = optionNames(params).includes("concurrently") && !optionIsFalse(params, "concurrently");
    if (!concurrently) return repeatable(() => Promise.resolve());
    const target = relation?.relname === undefined ? undefined : qualifiedName(relation.schemaname, relation.relname);
    const before = new Set((await halfBuilt(client, target)).map(({ oid }) => oid));
    const drop = (kept: ReadonlySet<string>) => async () => {
      await dropHalfBuilt(client, target, kept);
      return true;
    };
    // After a killed run, halves that are there already are that run's.
    return { ...repeatable(() => Promise.resolve()), clear: drop(new Set<string>()), cleared: drop(before) };
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
  const qualified = qualifiedName(relation?.schemaname, table);
  const find = async (): Promise<Found | undefined> => {
    const { rows } = await client.query<Found>(
      `select n.nspname as schema, i.indisvalid and i.indisready as valid from pg_index i
         join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
        where c.relname = $2 and c.relnamespace = (select relnamespace from pg_class where oid = to_regclass($1))`,
      [qualified, name],
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
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
}

/**
 * What REINDEX CONCURRENTLY leaves when it fails: the new index that was not finished, or the old one that was not dropped.
 *
 * @param target the table or index that it was to rebuild, with its partitions and TOAST tables; `undefined`: all of the database.
 */
async function halfBuilt(client: pg.Client, target: string | undefined): Promise<HalfBuilt[]> {
  const { rows } = await client.query<HalfBuilt>(
    `with named as (
       select coalesce(i.indrelid, c.oid) as oid from pg_class c left join pg_index i on i.indexrelid = c.oid where c.oid = to_regclass($1)),
     tables as (select oid from named union select p.relid from named, pg_partition_tree(named.oid) p)
     select c.oid::text as oid, n.nspname as schema, c.relname as name from pg_index i
       join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$' and (n.nspname !~ '^pg_' or n.nspname = 'pg_toast')
        and ($1::text is null or i.indrelid in
          (select oid from tables union select t.reltoastrelid from pg_class t join tables using (oid)))`,
    [target ?? null],
  );
  return rows;
}

async function dropHalfBuilt(client: pg.Client, target: string | undefined, kept: ReadonlySet<string>): Promise<void> {
  for (const { oid, schema, name } of await halfBuilt(client, target))
    if (!kept.has(oid)) await dropIndex(client, schema, name);
}

function qualifiedName(schema: string | undefined, name: string): string {
  return [schema, name]
    .flatMap((part) => (part === undefined || part === "" ? [] : [pg.escapeIdentifier(part)]))
    .join(".");
}

async function dropIndex(client: pg.Client, schema: string, name: string): Promise<void> {
  await client.query(`drop index concurrently if exists ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`);
}
