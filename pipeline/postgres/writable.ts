import type pg from "pg";
import { PipelineError } from "../errors.js";

/** @throws PipelineError (`refused`) where the server is a standby, or transactions of this role and database only read. */
export async function assertWritable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ standby: boolean; readOnly: boolean; source: string | null }>(
    `SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') = 'on' AS "readOnly",
            (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only') AS source`,
  );
  const seen = rows[0];
  if (seen?.standby === true) {
    throw refusal(
      "STANDBY",
      "The server is a standby (it is in recovery): it can be read only.",
      "Name the primary server in the configuration, then run the same command.",
    );
  }
  if (seen?.readOnly === true) {
    throw refusal(
      "READ_ONLY",
      `The database only lets itself be read: default_transaction_read_only is on (set by: ${seen.source ?? "?"}).`,
      "Somebody meant it: ask; then ALTER DATABASE … RESET default_transaction_read_only (or ALTER ROLE, or the server's configuration), and run the same command.",
    );
  }
}

function refusal(code: string, message: string, next: string): PipelineError {
  return new PipelineError({ code, kind: "refused", message, state: "Nothing was touched.", next });
}
