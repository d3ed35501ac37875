import type { Node } from "libpg-query";
import type { Change } from "../change.js";
import { strings } from "../names.js";

/**
 * What changes the result of queries that stay as they are: operators, casts, the configuration of text search, aggregates; and what brings
 * code along that is not in the file.
 */
export function meaningChange(node: Node): Change[] | undefined {
  if ("DefineStmt" in node) {
    const { kind, replace, defnames } = node.DefineStmt;
    const name = strings(defnames).at(-1) ?? "";
    if (kind === "OBJECT_OPERATOR") return [meaning(`operator ${name} is created`)];
    if (kind === "OBJECT_AGGREGATE" && replace === true) return [meaning(`aggregate "${name}" is replaced`)];
    return [{ kind: "harmless" }];
  }
  if ("CreateCastStmt" in node) {
    const { context } = node.CreateCastStmt;
    return [
      context === "COERCION_EXPLICIT" ? { kind: "harmless" } : meaning("a cast is applied without being written"),
    ];
  }
  if ("AlterTSConfigurationStmt" in node) return [meaning("a configuration of text search is changed")];
  if ("AlterTSDictionaryStmt" in node) return [meaning("a dictionary of text search is changed")];
  if ("AlterCollationStmt" in node) {
    return [
      meaning("a collation counts as being of its present version, so that nothing warns of indexes in another order"),
    ];
  }
  if ("CreateExtensionStmt" in node) {
    const { extname = "" } = node.CreateExtensionStmt;
    return [addsOnly.has(extname) ? { kind: "harmless" } : opaque(`Extension "${extname}" runs a script of its own`)];
  }
  if ("CreatePLangStmt" in node) return [opaque(`Language "${node.CreatePLangStmt.plname ?? ""}" is created`)];
  return undefined;
}

function meaning(how: string): Change {
  return { kind: "meaning", how };
}

function opaque(what: string): Change {
  return { kind: "opaque", what, inner: [], hints: [] };
}

/** Extensions whose script adds types, functions, operators, views and tables of its own, and touches nothing that is there. */
const addsOnly: ReadonlySet<string> = new Set(
  `plpgsql address_standardizer amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance
   file_fdw fuzzystrmatch h3 hstore hypopg insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache
   pg_freespacemap pg_jsonschema pg_prewarm pg_similarity pg_stat_statements pg_trgm pg_uuidv7 pg_visibility pg_walinspect pgcrypto
   pgrouting pgrowlocks pgstattuple postgis postgis_raster postgis_sfcgal postgis_topology postgres_fdw prefix rum seg sslinfo
   tablefunc tcn tsm_system_rows tsm_system_time ulid unaccent unit uuid-ossp vector xml2`.split(/\s+/),
);
