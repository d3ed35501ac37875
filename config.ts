import { crossChecks, policyChecks } from "./config/crossChecks.js";
import { describeIssue } from "./config/describe.js";
import { applicationUser } from "./config/hostPaths.js";
import { type Config, configSchema, sections } from "./config/sections.js";
import type { Settings } from "./pipeline/contracts.js";

export { runsOn } from "./config/crossChecks.js";
export { type Paths, resolvePaths } from "./config/paths.js";
export { type Config, configSchema } from "./config/sections.js";

/**
 * All configuration of a stack, parsed and checked at once. `Pulumi.yaml` declares the same sections with the same
 * defaults (a test holds the two together); what a stack's file leaves out of a section is filled in here. The sections
 * themselves are in `config/`.
 */

export const projectName = "safe-migration";

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
 * @param raw values by key; of other namespaces only `aws:region` is looked at, a key without a namespace is ours.
 * @param options `whole: false`: what is only needed to bring the stack up (region, keys, addresses) may be unset yet.
 * @throws ConfigError with all mistakes at once.
 */
export function parseConfig(
  stack: string,
  raw: Readonly<Record<string, unknown>>,
  { whole = true }: { readonly whole?: boolean } = {},
): Config {
  const own: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(raw)) {
    const [namespace, name] = key.includes(":") ? key.split(":", 2) : [projectName, key];
    if (namespace !== projectName || name === undefined) continue;
    own[name] = typeof value === "string" ? decode(value) : value;
  }
  const parsed = configSchema.safeParse(own);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue, own, sections)));
  if (parsed.success)
    problems.push(...(whole ? crossChecks(stack, parsed.data, raw["aws:region"]) : policyChecks(stack, parsed.data)));
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

/** On a host of the stack's own the application has an account of its own, whose pm2 the pipeline's may call. */
function accountOf({ application: { account }, database }: Config): string {
  return account === "" && database.kind === "ec2" ? applicationUser : account;
}

/** What the stages are told of the configuration. */
export function stageSettings(config: Config): Settings {
  const { backup, preflight, rehearse, migrate, risk, approvals, window, targets } = config;
  // Who gets e-mail is the topic's to know.
  const { emails: _, ...notify } = config.notify;
  const application = { ...config.application, account: accountOf(config) };
  return {
    backup,
    preflight,
    rehearse,
    migrate,
    application,
    risk: { ...risk, approvals },
    window,
    targets,
    notify,
    logs: {},
  };
}

/** What a stack on AWS makes for what its pipeline has to say. */
export interface Told {
  /** ARN of its own SNS topic. */
  readonly topic?: string;
  /** ARN of its log group. */
  readonly logGroup?: string;
}

/** Settings of a stack that makes these; a topic that the configuration names goes before its own. */
export function withTold(settings: Settings, { topic, logGroup }: Told): Settings {
  const { notify } = settings;
  return {
    ...settings,
    notify: topic === undefined ? notify : { ...notify, sns: notify.sns ?? { topicArn: topic } },
    logs: logGroup === undefined ? {} : { cloudWatch: { groupArn: logGroup } },
  };
}
