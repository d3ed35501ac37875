import { PipelineError } from "../errors.js";
import type { Account } from "./account.js";
import { dataName, type FoundData } from "./location.js";
import { recordPath, type ClusterRecord } from "./record.js";

/** What was found in a cluster's directory. */
export interface Found {
  readonly data: FoundData | undefined;
  readonly record: ClusterRecord | undefined;
  /** The account that the server would run as; absent where that does not matter. */
  readonly account?: Account;
}

/**
 * The data folder, if this tool made it and it is the one that was recorded; nothing else is ever started, changed or
 * removed.
 *
 * @throws PipelineError `CLUSTER_GONE`, `FOREIGN_CLUSTER`, `OTHER_ACCOUNT`
 */
export function requireOurs(
  directory: string,
  { data, record, account }: Found,
): FoundData & { readonly systemIdentifier: string; readonly major: number } {
  if (data === undefined) throw gone(directory, record);
  const { systemIdentifier, major, mark } = data;
  if (systemIdentifier === undefined || major === undefined)
    throw foreign(data, "it is not the data of a PostgreSQL cluster");
  if (mark === undefined) throw foreign(data, "it does not carry this tool's mark, so somebody else made it");
  if (mark !== systemIdentifier)
    throw foreign(data, `its system identifier is ${systemIdentifier}, and that of the cluster made here was ${mark}`);
  if (record !== undefined && record.systemIdentifier !== systemIdentifier)
    throw foreign(
      data,
      `its system identifier is ${systemIdentifier}, and ${recordPath(directory)} names ${record.systemIdentifier}`,
    );
  if (account !== undefined && account.uid !== data.uid) throw otherAccount(data, account, record);
  return { ...data, systemIdentifier, major };
}

function gone(directory: string, record: ClusterRecord | undefined): PipelineError {
  return new PipelineError({
    code: "CLUSTER_GONE",
    kind: "refused",
    message: `${dataName(directory)}, the data of the local cluster${record === undefined ? "" : ` made at ${record.madeAt}`}, is not there.`,
    state:
      "Nothing was changed, and no new cluster was made in its place; backups are kept elsewhere and are not affected.",
    next: `Put the data back; or, to begin anew, remove ${recordPath(directory)} and run: npm start, then npm run db:restore`,
  });
}

function foreign(data: FoundData, reason: string): PipelineError {
  return new PipelineError({
    code: "FOREIGN_CLUSTER",
    kind: "refused",
    message: `${data.path} is not the local cluster that this tool made: ${reason}.`,
    state: "It was not touched.",
    next: "Move that folder elsewhere, or configure another directory for the local cluster, then run: npm start",
  });
}

function otherAccount(data: FoundData, account: Account, record: ClusterRecord | undefined): PipelineError {
  const owner = record === undefined ? `the user with id ${data.uid}` : `${record.account} (user id ${data.uid})`;
  return new PipelineError({
    code: "OTHER_ACCOUNT",
    kind: "refused",
    message: `${data.path} belongs to ${owner}, and the server would run as ${account.name} (user id ${account.uid}).`,
    state: "It was not touched.",
    next: "Run the same command as the user who ran it first (with or without sudo, as then).",
  });
}
