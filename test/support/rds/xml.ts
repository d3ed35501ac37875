import type { Refusal } from "./standIn.js";

/** What there is behind the names in an answer. */
export interface Behind {
  instance(name: string): { readonly status: string; readonly port: number } | undefined;
  snapshot(name: string): { readonly status: string } | undefined;
}

/** A failure as RDS tells it. */
export function errorXml({ code, message }: Refusal): string {
  return `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>stand-in</RequestId></ErrorResponse>`;
}

function within(xml: string, element: string, change: (inside: string) => string): string {
  return xml.replace(new RegExp(`<${element}>[^]*?</${element}>`, "g"), change);
}

function textOf(xml: string, element: string): string {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1] ?? "";
}

/** Puts in where the servers of instances really are, and how far they have come. */
export function rewriteInstances(xml: string, behind: Behind): string {
  return within(xml, "DBInstance", (one) => {
    const found = behind.instance(textOf(one, "DBInstanceIdentifier"));
    if (found === undefined) return one;
    const { status, port } = found;
    const endpoint = `<Endpoint><Address>127.0.0.1</Address><Port>${port}</Port></Endpoint>`;
    return within(one, "Endpoint", () => (status === "creating" ? "" : endpoint)).replace(
      /<DBInstanceStatus>[^<]*/,
      `<DBInstanceStatus>${status}`,
    );
  });
}

export function rewriteSnapshots(xml: string, behind: Behind): string {
  return within(xml, "DBSnapshot", (one) => {
    const found = behind.snapshot(textOf(one, "DBSnapshotIdentifier"));
    return found === undefined ? one : one.replace(/<Status>[^<]*/, `<Status>${found.status}`);
  });
}

/** The backups that RDS makes by itself, of which moto knows none. */
export function withBackups(xml: string, window: { earliest: Date; latest: Date } | undefined): string {
  if (window === undefined) return xml;
  const { earliest, latest } = window;
  const one = `<DBInstanceAutomatedBackup><Status>active</Status><RestoreWindow><EarliestTime>${earliest.toISOString()}</EarliestTime><LatestTime>${latest.toISOString()}</LatestTime></RestoreWindow></DBInstanceAutomatedBackup>`;
  const list = `<DBInstanceAutomatedBackups>${one}</DBInstanceAutomatedBackups>`;
  const empty = /<DBInstanceAutomatedBackups\s*\/>|<DBInstanceAutomatedBackups>[^]*?<\/DBInstanceAutomatedBackups>/;
  return empty.test(xml)
    ? xml.replace(empty, list)
    : xml
        .replace("<DescribeDBInstanceAutomatedBackupsResult", `<DescribeDBInstanceAutomatedBackupsResult`)
        .replace(/<DescribeDBInstanceAutomatedBackupsResult\s*\/>|<DescribeDBInstanceAutomatedBackupsResult>/, (tag) =>
          tag.endsWith("/>")
            ? `<DescribeDBInstanceAutomatedBackupsResult>${list}</DescribeDBInstanceAutomatedBackupsResult>`
            : `${tag}${list}`,
        );
}
