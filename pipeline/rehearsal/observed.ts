import pg from "pg";
import { type Declaration, type Effect, type Named, means } from "./declarations.js";

/** What a migration was seen to do to data that was there. */
export interface Observed {
  readonly effect: Effect;
  /** Names of the table or column, before the migration and, where it was renamed, after. */
  readonly names: readonly Named[];
  readonly rows: number;
  /** Set where it is a sequence, whose position is less than a value of a row. */
  readonly sequence?: true;
  /** The partition that has the rows and is in its table no more: `public.orders_2024`. */
  readonly detached?: string;
}

export interface Judged {
  readonly declared: readonly Observed[];
  readonly undeclared: readonly Observed[];
  /** Declared, but not seen: mistyped, or there is no such data here. */
  readonly unused: readonly Declaration[];
}

/** Holds what was seen against what the migration declares. */
export function judge(observed: readonly Observed[], declarations: readonly Declaration[]): Judged {
  const fits = (seen: Observed) => (declaration: Declaration) =>
    declaration.effect === seen.effect && seen.names.some((name) => means(declaration, name));
  return {
    declared: observed.filter((seen) => declarations.some(fits(seen))),
    undeclared: observed.filter((seen) => !declarations.some(fits(seen))),
    unused: declarations.filter((declaration) => !observed.some((seen) => fits(seen)(declaration))),
  };
}

/** `public.orders.total: values changed in 12 rows`; never a value, which may be somebody's. */
export function describeObserved({ effect, names: [name], rows, detached }: Observed): string {
  const what = {
    changes: `values changed in ${count(rows)}`,
    drops: name?.column === undefined ? `dropped with ${count(rows)}` : `dropped with values in ${count(rows)}`,
    deletes:
      detached === undefined
        ? `${count(rows)} deleted`
        : `${count(rows)} ${rows === 1 ? "is" : "are"} not in it any more: ${detached} was detached from it`,
  };
  return `${nameOf(name)}: ${what[effect]}`;
}

function count(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

function nameOf(name: Named | undefined): string {
  return [name?.schema, name?.table, name?.column].filter((part) => part !== undefined).join(".");
}

/** The comments that would declare these, as they go into the file. */
export function declare(observed: readonly Observed[]): string[] {
  return [...new Set(observed.map(({ effect }) => effect))].map((effect) => {
    const names = observed.filter((seen) => seen.effect === effect).map(({ names: [name] }) => quoted(name));
    return `-- ${effect}: ${names.join(", ")}`;
  });
}

function quoted(name: Named | undefined): string {
  return [name?.schema, name?.table, name?.column]
    .filter((part) => part !== undefined)
    .map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : pg.escapeIdentifier(part)))
    .join(".");
}
