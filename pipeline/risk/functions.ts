/**
 * What is known of the functions that come with PostgreSQL and its usual extensions. A function that is neither here nor in
 * the history cannot be seen into.
 */

/** Volatile (`pg_proc.provolatile`): a default that calls one is computed for each row, and the table rewritten. */
const volatile = words(`
  random random_normal gen_random_uuid uuidv4 uuidv7 clock_timestamp timeofday nextval currval lastval setval
  gen_random_bytes gen_salt uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 txid_current pg_current_xact_id
  pg_advisory_xact_lock pg_try_advisory_xact_lock pg_advisory_unlock pg_advisory_unlock_all pg_notify`);

/** These hold up whoever waits for the migration, or lock beyond its end. */
const waiting = words(`
  pg_sleep pg_sleep_for pg_sleep_until pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock
  pg_try_advisory_lock_shared`);

const others = words(`
  now transaction_timestamp statement_timestamp date_trunc date_part date_bin extract age make_date make_time make_interval
  make_timestamp make_timestamptz to_timestamp to_date to_char to_number timezone isfinite justify_days justify_hours
  coalesce nullif greatest least lower upper initcap length char_length character_length octet_length bit_length btrim
  ltrim rtrim trim substring substr left right replace translate regexp_replace regexp_match regexp_matches
  regexp_split_to_array regexp_split_to_table regexp_count regexp_instr regexp_like regexp_substr overlay position strpos
  split_part concat concat_ws format repeat reverse lpad rpad ascii chr md5 sha224 sha256 sha384 sha512 encode decode
  convert_from convert_to quote_ident quote_literal quote_nullable to_hex starts_with string_to_array string_to_table
  array_to_string normalize unaccent similarity word_similarity show_trgm hstore digest hmac crypt
  abs ceil ceiling floor round trunc sign sqrt cbrt power pow exp ln log mod div gcd lcm width_bucket
  count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or every
  bit_and bit_or stddev variance percentile_cont percentile_disc mode row_number rank dense_rank percent_rank cume_dist
  ntile lag lead first_value last_value nth_value grouping
  array_append array_prepend array_cat array_length array_ndims array_position array_positions array_remove array_replace
  array_lower array_upper cardinality unnest generate_series generate_subscripts array_fill array_dims trim_array
  json_build_object json_build_array jsonb_build_object jsonb_build_array to_json to_jsonb row_to_json json_object
  jsonb_object jsonb_set jsonb_set_lax jsonb_insert jsonb_strip_nulls json_strip_nulls jsonb_pretty jsonb_typeof
  json_typeof json_array_length jsonb_array_length json_each jsonb_each json_each_text jsonb_each_text json_object_keys
  jsonb_object_keys json_array_elements jsonb_array_elements json_array_elements_text jsonb_array_elements_text
  json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text jsonb_path_query
  jsonb_path_query_array jsonb_path_query_first jsonb_path_exists jsonb_path_match jsonb_to_record jsonb_to_recordset
  json_to_record json_to_recordset jsonb_populate_record jsonb_populate_recordset json_populate_record
  to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery setweight ts_rank ts_rank_cd ts_headline
  tsvector_to_array array_to_tsvector numnode strip
  int4range int8range numrange tsrange tstzrange daterange isempty lower_inc upper_inc range_merge
  uuid_nil uuid_ns_dns uuid_ns_url uuid_generate_v3 uuid_generate_v5 uuid_extract_timestamp
  current_setting current_database current_schema current_schemas version pg_typeof pg_get_serial_sequence to_regclass
  to_regtype to_regproc to_regnamespace pg_get_constraintdef pg_get_indexdef pg_get_viewdef pg_get_expr pg_table_size
  pg_total_relation_size pg_relation_size pg_size_pretty pg_column_size obj_description col_description format_type
  has_table_privilege has_schema_privilege inet_client_addr host text abbrev family masklen network
  st_makepoint st_setsrid st_geomfromtext st_point st_x st_y st_distance st_dwithin st_transform st_astext st_geogfromtext
  point box circle int4 int8 float8 numeric varchar date time timestamp timestamptz xmlelement row hashtext
  enum_range enum_first enum_last get_byte set_byte get_bit set_bit bit_count xmlforest xmlagg json_scalar
  pg_is_in_recovery pg_backend_pid num_nulls num_nonnulls earth_distance ll_to_earth l2_distance cosine_distance`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ""));
}

/** A function of PostgreSQL or of a usual extension that changes no table (a sequence or a setting at most). */
export function isBuiltIn(name: string): boolean {
  return others.has(name) || volatile.has(name);
}

/** Without its schema. */
export function bareName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

export function isWaiting(name: string): boolean {
  return waiting.has(name);
}

/** Where PostgreSQL's own functions and those of extensions are: in another schema a known name may be anybody's. */
export function isOfKnownSchema(name: string): boolean {
  const dot = name.lastIndexOf(".");
  return dot === -1 || ["pg_catalog", "public", "extensions"].includes(name.slice(0, dot));
}

export function isVolatileBuiltIn(name: string): boolean {
  return volatile.has(name) || waiting.has(name);
}
