import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { z } from "zod";
import { run } from "../../pipeline/process.js";
import { tiers } from "../../pipeline/risk/types.js";
import type { Claim, MeasuredEffect } from "./figures.js";

const root = resolve(__dirname, "../..");

/** What `npm run risk -- --json` prints of a file. */
const ourFile = z.object({
  file: z.string(),
  tier: z.enum(tiers),
  effects: z.array(z.string()),
  findings: z.array(z.object({ rule: z.string(), tier: z.enum(tiers), line: z.int() })),
});
export type OurFile = z.infer<typeof ourFile>;

/** The classifier, as `npm run risk` starts it once everything is set up. */
export const ours = { command: process.execPath, args: [join(root, "tools/commands/risk.cjs"), "--json"] };

export function parseOurs(stdout: string): OurFile[] {
  return z.array(ourFile).parse(JSON.parse(stdout));
}

const measured: readonly MeasuredEffect[] = ["rewrite", "drop", "scan"];

export function claimsOfOurs(files: readonly OurFile[], nameOf: (file: string) => string): Claim[] {
  return files.map(({ file, effects, findings }) => {
    const said = new Set(measured.filter((effect) => effects.includes(effect)));
    // A rewrite reads the table; a required column without a default makes PostgreSQL look for a row, and fail on it.
    if (said.has("rewrite") || findings.some(({ rule }) => rule === "add-column-not-null")) said.add("scan");
    return { name: nameOf(file), effects: said };
  });
}

const squawkFinding = z.object({ file: z.string(), line: z.int(), rule_name: z.string() });
export type SquawkFinding = z.infer<typeof squawkFinding>;

/** Rules of squawk by what they say that a statement does. */
const squawkSays: Readonly<Record<MeasuredEffect, readonly string[]>> = {
  rewrite: ["adding-field-with-default", "changing-column-type", "adding-serial-primary-key-field"],
  drop: ["ban-drop-column", "ban-drop-table", "ban-drop-database"],
  scan: [
    "adding-field-with-default",
    "changing-column-type",
    "adding-serial-primary-key-field",
    "adding-foreign-key-constraint",
    "constraint-missing-not-valid",
    "adding-not-nullable-field",
    "disallowed-unique-constraint",
    "require-concurrent-index-creation",
  ],
};

/** Rules of squawk about how SQL is to be written, and not about what it does to a database. */
export const squawkStyle: ReadonlySet<string> = new Set([
  "prefer-bigint-over-int",
  "prefer-bigint-over-smallint",
  "prefer-identity",
  "prefer-robust-stmts",
  "prefer-text-field",
  "prefer-timestamp-tz",
  "prefer-timestamptz",
  "ban-char-field",
  "require-lock-timeout",
  "require-statement-timeout",
  "require-timeout-settings",
  "require-table-schema",
]);

export function claimsOfSquawk(
  findings: readonly SquawkFinding[],
  names: readonly string[],
  nameOf: (file: string) => string,
): Claim[] {
  const byName = new Map<string, Set<string>>();
  for (const { file, rule_name } of findings) {
    const name = nameOf(file);
    byName.set(name, (byName.get(name) ?? new Set()).add(rule_name));
  }
  return names.map((name) => ({
    name,
    effects: new Set(
      measured.filter((effect) => squawkSays[effect].some((rule) => byName.get(name)?.has(rule) === true)),
    ),
  }));
}

/** squawk's program, or why it is not here: a package for each platform holds it, and npm has the one for Linux on x64 here. */
export function findSquawk(): { readonly program: string; readonly version: string } | { readonly missing: string } {
  const name = `@squawk-cli/${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(__filename).resolve(`${name}/package.json`);
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, "utf8")));
    return { program: join(manifest, "..", "bin", "squawk"), version };
  } catch {
    return { missing: `npm has installed no ${name}` };
  }
}

export interface SquawkRun {
  readonly seconds: number;
  readonly findings: readonly SquawkFinding[];
}

/** Runs squawk once over all files. It exits 1 where it finds something. @throws Error for any other end. */
export async function runSquawk(program: string, files: readonly string[]): Promise<SquawkRun> {
  const started = process.hrtime.bigint();
  const { exitCode, stdout, stderr } = await run(program, ["--reporter", "json", "--assume-in-transaction", ...files], {
    cwd: "/",
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (exitCode > 1) throw new Error(`squawk: exit code ${exitCode}\n${stderr}`);
  return { seconds, findings: z.array(squawkFinding).parse(JSON.parse(stdout)) };
}
