import type pg from "pg";
import type { Finding } from "../contracts.js";

const userSchemas = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;

export interface UnvalidatedConstraint {
  /** Quoted, as is the table. */
  readonly constraint: string;
  readonly on: string;
}

/** Constraints that hold for new rows only: existing ones were never checked. */
export async function listUnvalidatedConstraints(client: pg.Client): Promise<UnvalidatedConstraint[]> {
  const { rows } = await client.query<UnvalidatedConstraint>(
    `SELECT quote_ident(c.conname) AS constraint, c.conrelid::regclass::text AS on
       FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
      WHERE NOT c.convalidated AND c.conrelid <> 0 AND ${userSchemas} ORDER BY 2, 1`,
  );
  return rows;
}

export function describeUnvalidatedConstraint({ constraint, on }: UnvalidatedConstraint): Finding {
  return {
    check: "unvalidated-constraint",
    // Between two releases this is a step of an expand-and-contract series, so it does not fail a run.
    severity: "warning",
    message: `constraint ${constraint} on ${on} is not validated`,
    remedy: `ALTER TABLE ${on} VALIDATE CONSTRAINT ${constraint};`,
  };
}

export async function findUnvalidatedConstraints(client: pg.Client): Promise<Finding[]> {
  return (await listUnvalidatedConstraints(client)).map(describeUnvalidatedConstraint);
}

interface OwnedSequence {
  sequence: string;
  table: string;
  column: string;
  ascending: boolean;
}

/** Sequences that would hand out a value their column already holds, which makes the next insert fail. */
export async function findSequencesBehind(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query<OwnedSequence>(
    `SELECT d.objid::regclass::text AS sequence, d.refobjid::regclass::text AS table, quote_ident(a.attname) AS column,
            s.seqincrement > 0 AS ascending
       FROM pg_depend d
       JOIN pg_sequence s ON s.seqrelid = d.objid
       JOIN pg_class c ON c.oid = d.refobjid
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        AND d.refobjsubid > 0 AND NOT s.seqcycle AND ${userSchemas} ORDER BY 1`,
  );
  const findings: Finding[] = [];
  for (const owned of rows) {
    const extreme = owned.ascending ? "max" : "min";
    const { rows: values } = await client.query<{ last: string; called: boolean; held: string | null }>(
      `SELECT s.last_value::text AS last, s.is_called AS called, t.held::text AS held
         FROM ${owned.sequence} s, (SELECT ${extreme}(${owned.column}) AS held FROM ${owned.table}) t`,
    );
    const value = values[0];
    if (value === undefined || value.held === null) continue;
    const [last, held] = [BigInt(value.last), BigInt(value.held)];
    const ahead = owned.ascending ? last > held : last < held;
    if (ahead || (last === held && value.called)) continue;
    findings.push({
      check: "sequence-behind",
      severity: "error",
      message: `sequence ${owned.sequence} is at ${value.last}, and ${owned.table}.${owned.column} already holds ${value.held}`,
      remedy: `SELECT setval('${owned.sequence.replace(/'/g, "''")}', (SELECT ${extreme}(${owned.column}) FROM ${owned.table}));`,
    });
  }
  return findings;
}
