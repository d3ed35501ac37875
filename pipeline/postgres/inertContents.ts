/**
 * A dump's list of contents, as `pg_restore --list` prints it, without what would act on the world outside once it is in a copy
 * that is only tried out:
 *
 * - user mappings, which hold the credentials of foreign servers;
 * - event triggers, which fire on whatever is done to the copy;
 * - subscriptions, which would take the original's changes (`--no-subscriptions` leaves them out as well);
 * - pg_cron, whose jobs would run, and which may be in one database of a cluster only.
 *
 * Publications stay: without a replication slot in the copy nobody reads them, and migrations may alter them.
 */
export function inertContents(list: string): { readonly list: string; readonly leftOut: readonly string[] } {
  const lines = list.split("\n");
  const cron = lines.some((line) => cronExtension.test(line));
  const leftOut: string[] = [];
  const kept = lines.filter((line) => {
    const out = acting.test(line) || (cron && ofCron.test(line));
    if (out) leftOut.push(line.replace(entry, "").trim());
    return !out;
  });
  return { list: kept.join("\n"), leftOut };
}

/** Is left out with all that it has made. */
export const leftOutExtension = "pg_cron";

/** Number in the dump, class and number of the object; then follow its kind, schema, name and owner. */
const entry = /^\d+; \d+ \d+ /;
const acting = /^\d+; \d+ \d+ (?:(?:COMMENT|SECURITY LABEL|ACL) - )?(?:USER MAPPING|EVENT TRIGGER|SUBSCRIPTION)\b/;
const cronExtension = /^\d+; \d+ \d+ EXTENSION - pg_cron\b/;
/** Of the extension itself, or in the schema that it makes. */
const ofCron = /^\d+; \d+ \d+ (?:EXTENSION - pg_cron\b|COMMENT - EXTENSION pg_cron\b|[A-Z ]+ (?:- SCHEMA )?cron\b)/;
