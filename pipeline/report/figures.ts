import type { Database, StatementSeen, TableSizes } from "../contracts.js";
import { messageOf } from "../errors.js";
import { biggest, readTableSizes } from "../gate/tableSizes.js";
import type { Logger } from "../log.js";
import { withClient } from "../postgres/connection.js";
import { readStatements } from "../postgres/statements.js";

/** What a report compares before and after a run, as far as it can be had. */
export interface Figures {
  readonly tables?: TableSizes;
  readonly statements?: StatementSeen[];
}

/**
 * Notes sizes and statements. Nothing depends on them but reports and the risk of the next preview, which do without where
 * they cannot be had.
 *
 * @param earlier the statements to compare with. @param most how many tables, the biggest.
 */
export async function noteFigures(
  database: Database,
  log: Logger,
  applicationName: string,
  { earlier = [], most = 200 }: { readonly earlier?: readonly StatementSeen[]; readonly most?: number } = {},
): Promise<Figures> {
  // Asking for a table's size waits for whoever holds it exclusively.
  const settings = { lock_timeout: "5s" };
  try {
    return await withClient(database, { applicationName, settings }, async (client) => {
      const statements = await readStatements(
        client,
        log,
        earlier.map(({ id }) => id),
      );
      const tables = biggest(await readTableSizes(client), most);
      return { tables, ...(statements === undefined ? {} : { statements }) };
    });
  } catch (error) {
    log.info(`sizes of tables and times of statements could not be noted: ${messageOf(error)}`);
    return {};
  }
}
