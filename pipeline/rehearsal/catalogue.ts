import type pg from "pg";
import { z } from "zod";
import { notOfExtension, ownSchema } from "../postgres/fingerprintCatalogue.js";

/** Everything that makes a schema, each object by what it is called, with its definition. */
export type Catalogue = ReadonlyMap<string, string>;

/** Rights in one order, the default ones spelled out. */
function rights(list: string, kind: string, owner: string): string {
  return `(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(${list}, acldefault('${kind}', ${owner}))) a)`;
}

/** The options of a column that ALTER COLUMN SET takes; some servers keep what is their own among them, another value for each column. */
const chosenOptions = `(SELECT string_agg(o, ' ' ORDER BY o) FROM unnest(a.attoptions) o WHERE o ~ '^n_distinct(_inherited)?=')`;

const relation = `format('%I.%I', n.nspname, c.relname)`;
const ofTable = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace`;
const own = `${ownSchema("n")} AND ${notOfExtension("pg_class", "c")}`;

/** One SELECT for each kind of object: what it is called, and its definition. The order of columns is not part of it. */
const parts = [
  `SELECT 'schema ' || n.nspname, concat_ws(' ', ${rights("n.nspacl", "n", "n.nspowner")}, obj_description(n.oid, 'pg_namespace'))
     FROM pg_namespace n WHERE ${ownSchema("n")}`,
  `SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
       ELSE 'table ' END || ${relation},
     concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions::text,
       pg_get_userbyid(c.relowner), CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, pg_get_partkeydef(c.oid),
       pg_get_expr(c.relpartbound, c.oid), ${rights("c.relacl", "r", "c.relowner")}, obj_description(c.oid, 'pg_class'),
       (SELECT string_agg(i.inhparent::regclass::text, ' ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid),
       (SELECT spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace))
     FROM ${ofTable} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND ${own}`,
  `SELECT 'sequence ' || ${relation}, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin,
       s.seqcache, s.seqcycle, c.relpersistence, pg_get_userbyid(c.relowner), ${rights("c.relacl", "s", "c.relowner")},
       obj_description(c.oid, 'pg_class'), (SELECT 'of ' || d.refobjid::regclass || '.' || o.attname FROM pg_depend d
         JOIN pg_attribute o ON o.attrelid = d.refobjid AND o.attnum = d.refobjsubid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') LIMIT 1)) FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relpersistence <> 't' AND ${own}`,
  `SELECT 'column ' || ${relation} || '.' || quote_ident(a.attname),
     concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END, a.attidentity, a.attgenerated,
       pg_get_expr(d.adbin, d.adrelid), ${chosenOptions}, nullif(a.attstattarget, -1), a.attstorage, to_jsonb(a)->>'attcompression', (SELECT collname FROM pg_collation l WHERE l.oid = a.attcollation), a.attacl::text,
       col_description(c.oid, a.attnum))
     FROM ${ofTable} JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relkind IN ('r', 'p', 'f', 'c', 'v', 'm') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped AND ${own}`,
  `SELECT 'constraint ' || quote_ident(k.conname) || ' of ' || ${relation}, concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated,
       obj_description(k.oid, 'pg_constraint'))
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${own}`,
  `SELECT 'index ' || format('%I.%I', n.nspname, i.relname), concat_ws(' ', pg_get_indexdef(x.indexrelid), x.indisvalid, x.indisreplident, x.indisclustered,
       obj_description(i.oid, 'pg_class'))
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND ${own}`,
  `SELECT 'trigger ' || quote_ident(t.tgname) || ' of ' || ${relation}, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled,
       obj_description(t.oid, 'pg_trigger'))
     FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT t.tgisinternal AND ${own}`,
  `SELECT 'policy ' || quote_ident(p.polname) || ' of ' || ${relation}, concat_ws(' ', p.polcmd, p.polpermissive,
       (SELECT string_agg(coalesce(r.rolname, 'public'), ' ' ORDER BY r.rolname) FROM unnest(p.polroles) u(o) LEFT JOIN pg_roles r ON r.oid = u.o),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
     FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${own}`,
  `SELECT 'rule ' || quote_ident(r.rulename) || ' of ' || ${relation}, concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled,
       obj_description(r.oid, 'pg_rewrite'))
     FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE r.rulename <> '_RETURN' AND ${own}`,
  `SELECT 'function ' || format('%I.%I(%s)', n.nspname, f.proname, pg_get_function_identity_arguments(f.oid)),
     concat_ws(' ', CASE WHEN f.prokind <> 'a' THEN pg_get_functiondef(f.oid) ELSE (SELECT format_type(g.aggtranstype, NULL) ||
         (to_jsonb(g) - 'aggfnoid' - 'aggtranstype' - 'aggmtranstype')::text FROM pg_aggregate g WHERE g.aggfnoid = f.oid) END, pg_get_userbyid(f.proowner),
       ${rights("f.proacl", "f", "f.proowner")}, obj_description(f.oid, 'pg_proc'))
     FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE ${ownSchema("n")} AND ${notOfExtension("pg_proc", "f")}`,
  `SELECT 'type ' || format('%I.%I', n.nspname, t.typname),
     concat_ws(' ', t.typtype, (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e
       WHERE e.enumtypid = t.oid), format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull, t.typdefault,
       (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid),
       pg_get_userbyid(t.typowner), ${rights("t.typacl", "T", "t.typowner")}, obj_description(t.oid, 'pg_type'))
     FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE (t.typtype IN ('e', 'd', 'r') OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')) AND ${ownSchema("n")} AND ${notOfExtension("pg_type", "t")}`,
  `SELECT 'extension ' || quote_ident(extname), extversion FROM pg_extension`,
  `SELECT 'statistics ' || format('%I.%I', n.nspname, s.stxname), concat_ws(' ', pg_get_statisticsobjdef(s.oid),
       pg_get_userbyid(s.stxowner), obj_description(s.oid, 'pg_statistic_ext'))
     FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ${ownSchema("n")}`,
  // What of it is written in rows of its own is told by the view.
  `SELECT 'publication ' || quote_ident(p.pubname), concat_ws(' ', (to_jsonb(p) - 'oid' - 'pubowner')::text, pg_get_userbyid(p.pubowner),
       (SELECT string_agg(to_jsonb(t)::text, ' ' ORDER BY t.schemaname, t.tablename) FROM pg_publication_tables t WHERE t.pubname = p.pubname),
       obj_description(p.oid, 'pg_publication')) FROM pg_publication p`,
  `SELECT concat_ws(' ', 'default privileges of', quote_ident(pg_get_userbyid(a.defaclrole)), 'on', a.defaclobjtype, 'in',
       coalesce(quote_ident(n.nspname), 'every schema')),
     (SELECT string_agg(i::text, ' ' ORDER BY i::text) FROM unnest(a.defaclacl) i)
     FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace`,
  `SELECT format('cast (%s AS %s)', format_type(k.castsource, NULL), format_type(k.casttarget, NULL)),
     concat_ws(' ', nullif(k.castfunc, 0)::regprocedure, k.castcontext, k.castmethod, obj_description(k.oid, 'pg_cast'))
     FROM pg_cast k WHERE k.oid >= 16384 AND ${notOfExtension("pg_cast", "k")}`,
  `SELECT format('operator %I.%s (%s, %s)', n.nspname, o.oprname, format_type(nullif(o.oprleft, 0), NULL), format_type(nullif(o.oprright, 0), NULL)),
     concat_ws(' ', o.oprcode::regprocedure, o.oprcanhash, o.oprcanmerge, o.oprcom::regoper, o.oprnegate::regoper, o.oprrest, o.oprjoin,
       pg_get_userbyid(o.oprowner), obj_description(o.oid, 'pg_operator'))
     FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE ${ownSchema("n")} AND ${notOfExtension("pg_operator", "o")}`,
  `SELECT 'collation ' || format('%I.%I', n.nspname, l.collname), concat_ws(' ', (to_jsonb(l) - 'oid' - 'collnamespace' - 'collowner')::text,
       pg_get_userbyid(l.collowner), obj_description(l.oid, 'pg_collation'))
     FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE ${ownSchema("n")} AND ${notOfExtension("pg_collation", "l")}`,
  `SELECT 'text search configuration ' || format('%I.%I', n.nspname, t.cfgname), concat_ws(' ', pg_get_userbyid(t.cfgowner),
       (SELECT string_agg(m.maptokentype || ' ' || m.mapdict::regdictionary, ', ' ORDER BY m.maptokentype, m.mapseqno)
         FROM pg_ts_config_map m WHERE m.mapcfg = t.oid), obj_description(t.oid, 'pg_ts_config'))
     FROM pg_ts_config t JOIN pg_namespace n ON n.oid = t.cfgnamespace WHERE ${ownSchema("n")} AND ${notOfExtension("pg_ts_config", "t")}`,
  `SELECT 'foreign server ' || quote_ident(s.srvname), concat_ws(' ', w.fdwname, s.srvtype, s.srvversion, s.srvoptions::text,
       pg_get_userbyid(s.srvowner), ${rights("s.srvacl", "S", "s.srvowner")}, obj_description(s.oid, 'pg_foreign_server'))
     FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw`,
  `SELECT 'foreign data wrapper ' || quote_ident(w.fdwname), concat_ws(' ', w.fdwoptions::text, pg_get_userbyid(w.fdwowner),
       ${rights("w.fdwacl", "F", "w.fdwowner")}) FROM pg_foreign_data_wrapper w WHERE ${notOfExtension("pg_foreign_data_wrapper", "w")}`,
  `SELECT 'event trigger ' || quote_ident(e.evtname), concat_ws(' ', e.evtevent, e.evtfoid::regprocedure, e.evtenabled, e.evttags::text,
       pg_get_userbyid(e.evtowner)) FROM pg_event_trigger e WHERE ${notOfExtension("pg_event_trigger", "e")}`,
  `SELECT 'foreign table options of ' || ${relation}, t.ftoptions::text FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${own}`,
];

const rowsSchema = z.array(z.strictObject({ object: z.string(), definition: z.string().nullable() }));

/** Reads the schema as PostgreSQL itself would write it: also what Prisma does not model. */
export async function readCatalogue(client: pg.ClientBase): Promise<Catalogue> {
  const all = parts.map((part) => `(${part})`).join(" UNION ALL ");
  const { rows } = await client.query(`SELECT * FROM (${all}) o(object, definition)`);
  return new Map(rowsSchema.parse(rows).map(({ object, definition }) => [object, definition ?? ""]));
}

/** In what a schema differs from the one that is expected, by object. */
export function compareCatalogues(expected: Catalogue, actual: Catalogue): string[] {
  const missing = [...expected.keys()].filter((object) => !actual.has(object)).map((object) => `${object} is missing`);
  const left = [...actual.keys()].filter((object) => !expected.has(object)).map((object) => `${object} is left`);
  const other = [...expected].filter(([object, definition]) => (actual.get(object) ?? definition) !== definition);
  return [...missing, ...left, ...other.map(([object]) => `${object} is not as it was`)].sort();
}
