import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import {
  type Settings,
  applicationSettings,
  approvalSchema,
  notifySettings,
  rehearseSettings,
  riskSettings,
  settingsSchema,
  windowSettings,
} from "./pipeline/contracts.js";
import { policyMistake, policyOf } from "./pipeline/gate/policy.js";

/**
 * All configuration of a stack, parsed and checked at once. `Pulumi.yaml` declares the same sections with the same
 * defaults (a test holds the two together); what a stack's file leaves out of a section is filled in here.
 */

export const projectName = "safe-migration";

const identifier = z.string().regex(/^[a-z_][a-z0-9_]{0,49}$/, "lower-case letters, digits and _, at most 50");

const schemaName = z
  .string()
  .regex(
    /^(?!pg_|information_schema$)[A-Za-z_][A-Za-z0-9_]{0,62}$/,
    "letters, digits and _, at most 63, none of PostgreSQL's own",
  );

const sections = {
  /** The database and where it lives. */
  database: z
    .strictObject({
      /** `local`: a cluster of the stack's own under `.local/`. */
      kind: z.literal("local").default("local"),
      name: identifier.default("happy_baby_style"),
      /** The application's role; owns the database and all that migrations create. */
      owner: identifier.default("happy_baby_style"),
      /** PostgreSQL schema of Prisma's connection (`?schema=` of its URL): tables without `@@schema`, and Prisma's history. */
      schema: schemaName.default("public"),
      /** TCP port on 127.0.0.1; 0: a free one, chosen once and kept. */
      port: z.int().min(0).max(65535).default(0),
    })
    .prefault({}),
  /** The Prisma project, its paths relative to the folder of `Pulumi.yaml`. */
  project: z
    .strictObject({
      /** Prisma schema: a file, or a folder of `.prisma` files. */
      schema: z.string().min(1).default("prisma/schema.prisma"),
      migrations: z.string().min(1).default("prisma/migrations"),
      /** Module with the application's own data checks; empty: none. */
      checks: z.string().default("prisma/checks.ts"),
    })
    .prefault({}),
  /** Sample data, generated on the first start of a `local` database. */
  sample: z
    .strictObject({
      /** Off for a Prisma project other than the shipped one. */
      enabled: z.boolean().default(true),
      users: z.int().min(1).max(10_000_000).default(10_000),
      orders: z.int().min(1).max(50_000_000).default(50_000),
    })
    .prefault({}),
  /** Where backups and the evidence of runs go. */
  store: z
    .strictObject({
      /** A folder (relative to `Pulumi.yaml`, or absolute). */
      folder: z.string().min(1).default(".local/backups"),
    })
    .prefault({}),
  backup: settingsSchema.shape.backup.prefault({}),
  preflight: settingsSchema.shape.preflight.prefault({}),
  rehearse: rehearseSettings.prefault({}),
  migrate: settingsSchema.shape.migrate.prefault({}),
  /** The application's process under pm2 and its health. */
  application: applicationSettings.prefault({}),
  /** What a migration above safe needs to be let through; see docs/gate.md. */
  risk: riskSettings.prefault({}),
  /** When migrations may be applied; see docs/window.md. */
  window: windowSettings.prefault({}),
  /** Who is told of a run; see docs/notifications.md. */
  notify: notifySettings.prefault({}),
  /** Who answered for which version of which migration; `npm run approve` writes it. */
  approvals: z.array(approvalSchema).default([]),
  pipeline: z
    .strictObject({
      /** `always`: on every update; `onChange`: only when migrations or schema changed since the last verified run. */
      run: z.enum(["always", "onChange"]).default("always"),
    })
    .prefault({}),
};

export const configSchema = z.strictObject(sections);
export type Config = z.infer<typeof configSchema>;

/** Every mistake of a configuration, each with its key and what is allowed. */
export class ConfigError extends Error {
  constructor(
    stack: string,
    readonly problems: readonly string[],
  ) {
    super(
      `The configuration of stack "${stack}" has ${problems.length === 1 ? "a mistake" : `${problems.length} mistakes`}:\n` +
        problems.map((problem) => `  - ${problem}`).join("\n") +
        `\nNothing was touched. Mend Pulumi.${stack}.yaml (pulumi config set --path, or an editor), then run the same command.`,
    );
    this.name = "ConfigError";
  }
}

/**
 * Checks the raw values of a stack.
 *
 * @param raw values by key; a key of another namespace (`aws:region`) is not looked at, one without a namespace is ours.
 * @throws ConfigError with all mistakes at once.
 */
export function parseConfig(stack: string, raw: Readonly<Record<string, unknown>>): Config {
  const own: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(raw)) {
    const [namespace, name] = key.includes(":") ? key.split(":", 2) : [projectName, key];
    if (namespace !== projectName || name === undefined) continue;
    own[name] = typeof value === "string" ? decode(value) : value;
  }
  const parsed = configSchema.safeParse(own);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => describe(issue, own)));
  if (parsed.success) problems.push(...crossChecks(stack, parsed.data));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(stack, problems);
  return parsed.data;
}

/** Pulumi hands sections over as JSON text; anything else is left to the schema to refuse. */
function decode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What no single value shows. */
function crossChecks(stack: string, config: Config): string[] {
  const shipped = config.project.schema === "prisma/schema.prisma" && config.project.migrations === "prisma/migrations";
  const policy = policyMistake(policyOf(stack, config.risk));
  const problems = policy === undefined ? [] : [policy];
  if (!config.sample.enabled) return problems;
  if (!shipped)
    problems.push(
      "sample.enabled: true, but project.schema or project.migrations names another project; sample data exists for the shipped one only: set sample.enabled to false",
    );
  if (config.database.schema !== "public")
    problems.push(
      `sample.enabled: true, but sample data is made in the schema public only, and database.schema is "${config.database.schema}": set sample.enabled to false`,
    );
  return problems;
}

function describe(issue: z.core.$ZodIssue, own: Readonly<Record<string, unknown>>): string[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const hint = near === undefined ? "" : `, did you mean ${near}?`;
      return `${[...issue.path, key].join(".")}: unknown key${hint} (known here: ${known.join(", ")})`;
    });
  }
  const value = issue.path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    own,
  );
  return [`${path}: ${issue.message}${value === undefined ? "" : ` (it is ${JSON.stringify(value)})`}`];
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(sections);
  const section = configSchema.shape[path[0] as keyof typeof sections].def.innerType;
  return Object.keys(section instanceof z.ZodArray ? section.element.shape : section.shape);
}

function nearest(word: string, candidates: readonly string[]): string | undefined {
  const scored = candidates.map((candidate) => ({ candidate, distance: editDistance(word, candidate) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(2, word.length / 3) ? best.candidate : undefined;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** What the stages are told of the configuration. */
export function stageSettings(config: Config): Settings {
  const { backup, preflight, rehearse, migrate, application, risk, approvals, window, notify } = config;
  return { backup, preflight, rehearse, migrate, application, risk: { ...risk, approvals }, window, notify };
}

/** The paths of a configuration, made absolute from the folder that holds `Pulumi.yaml`. */
export interface Paths {
  readonly root: string;
  /** The local stack's cluster. */
  readonly cluster: string;
  readonly schema: string;
  readonly migrations: string;
  /** Source of the checks module, if there is one. */
  readonly checks: string | undefined;
  /** URL of the backup store. */
  readonly storeUrl: string;
  /** Where the pipeline is bundled to. */
  readonly build: string;
}

export function resolvePaths(config: Config, root: string): Paths {
  return {
    root,
    cluster: resolve(root, ".local/cluster"),
    schema: resolve(root, config.project.schema),
    migrations: resolve(root, config.project.migrations),
    checks: config.project.checks === "" ? undefined : resolve(root, config.project.checks),
    storeUrl: pathToFileURL(resolve(root, config.store.folder)).href,
    build: resolve(root, ".build"),
  };
}
