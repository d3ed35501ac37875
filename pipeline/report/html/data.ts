import type { RunEvidence } from "../evidence.js";
import { bytes, number } from "../words.js";
import { type Markup, html, section, table } from "./markup.js";

/** The most tables that are shown. */
const most = 60;

interface TableSeen {
  readonly name: string;
  readonly rowsBefore?: number;
  readonly rowsAfter?: number;
  readonly bytesBefore?: number;
  readonly bytesAfter?: number;
}

/** Rows and sizes of the tables before and after: rows exactly, sizes without indexes. */
export function data(evidence: RunEvidence): Markup | undefined {
  const { preflight } = evidence.results;
  const tables = seenTables(evidence);
  if (tables.length === 0) return undefined;
  const changed = tables.filter(
    ({ rowsBefore, rowsAfter }) => rowsBefore !== undefined && rowsAfter !== undefined && rowsBefore !== rowsAfter,
  );
  const compared = tables.some(({ rowsBefore, rowsAfter }) => rowsBefore !== undefined && rowsAfter !== undefined);
  const said = !compared
    ? undefined
    : changed.length === 0
      ? html`<p>Every table has as many rows as before the migrations.</p>`
      : html`<p>
          ${changed.length} of ${tables.length} tables have another number of rows than in the backup: the application
          wrote to them, or a migration did.
        </p>`;
  const growth =
    preflight === undefined
      ? undefined
      : html`<p class="quiet">The whole database, with its indexes, was ${bytes(preflight.databaseBytes)} before.</p>`;
  const shown = tables.slice(0, most);
  // Of a run that did not come to verify nothing is known after it.
  const after = tables.some(({ rowsAfter, bytesAfter }) => rowsAfter !== undefined || bytesAfter !== undefined);
  return section(
    "data",
    "Data",
    said,
    table(
      "Rows and sizes of the tables",
      [
        { head: "Table" },
        { head: "Rows before", kind: "figure" },
        ...(after ? [{ head: "Rows after", kind: "figure" } as const] : []),
        { head: "Size before", kind: "figure" },
        ...(after ? [{ head: "Size after", kind: "figure" } as const] : []),
      ],
      shown.map(({ name, rowsBefore, rowsAfter, bytesBefore, bytesAfter }) => [
        name,
        figure(rowsBefore, number),
        ...(after ? [rowsWithChange(rowsBefore, rowsAfter)] : []),
        figure(bytesBefore, bytes),
        ...(after ? [figure(bytesAfter, bytes)] : []),
      ]),
    ),
    tables.length > most ? html`<p class="quiet">${tables.length - most} smaller tables are left out.</p>` : undefined,
    growth,
  );
}

function rowsWithChange(before: number | undefined, after: number | undefined): Markup | string {
  if (before === undefined || after === undefined || after === before) return figure(after, number);
  const change = `(${after > before ? "+" : "−"}${number(Math.abs(after - before))})`;
  return html`${number(after)} <span class="quiet">${change}</span>`;
}

function figure(value: number | undefined, show: (value: number) => string): string {
  return value === undefined ? "–" : show(value);
}

/** The biggest first. */
export function seenTables({ manifest, results: { preflight, verify } }: RunEvidence): TableSeen[] {
  const rowsBefore = new Map(
    manifest?.fingerprints.tables.map(({ schema, name, rows }) => [`${schema}.${name}`, rows]),
  );
  const rowsAfter = new Map(Object.entries(verify?.rows ?? {}));
  const sizesBefore = new Map(Object.entries(preflight?.tables ?? {}));
  const sizesAfter = new Map(Object.entries(verify?.tables ?? {}));
  const names = new Set([...rowsBefore.keys(), ...rowsAfter.keys(), ...sizesBefore.keys(), ...sizesAfter.keys()]);
  names.delete("public._prisma_migrations");
  return [...names]
    .map((name): TableSeen & { weight: number } => {
      const seen = {
        rowsBefore: rowsBefore.get(name),
        rowsAfter: rowsAfter.get(name),
        bytesBefore: sizesBefore.get(name)?.bytes,
        bytesAfter: sizesAfter.get(name)?.bytes,
      };
      const known = Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== undefined));
      return { name, ...known, weight: Math.max(seen.bytesAfter ?? 0, seen.bytesBefore ?? 0) };
    })
    .sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))
    .map(({ weight: _weight, ...seen }) => seen);
}
