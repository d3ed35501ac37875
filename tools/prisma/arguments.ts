import { PipelineError } from "../../pipeline/errors.js";
import { npmRun } from "../../pipeline/npmRun.js";

/** Flags of the prisma commands. */
export interface CommandFlags {
  /** `--name`, `-n`. */
  readonly name: string | undefined;
  /** `--force`, `-f`. */
  readonly force: boolean;
  /** `--applied NAME`. */
  readonly applied: string | undefined;
  /** `--rolled-back NAME`. */
  readonly rolledBack: string | undefined;
}

const flagsOf: Readonly<Record<string, readonly (keyof CommandFlags)[]>> = {
  create: ["name"],
  dev: ["name"],
  reset: ["force"],
  resolve: ["applied", "rolledBack"],
  status: [],
  validate: [],
};

const spelled: Readonly<Record<string, keyof CommandFlags>> = {
  "--name": "name",
  "-n": "name",
  "--force": "force",
  "-f": "force",
  "--applied": "applied",
  "--rolled-back": "rolledBack",
};

/** @throws PipelineError (`usage`) for an argument that the command does not take, naming those that it does. */
export function parseFlags(command: string, args: readonly string[], environment = "local"): CommandFlags {
  const allowed = flagsOf[command] ?? [];
  const found: { -readonly [K in keyof CommandFlags]: CommandFlags[K] } = {
    name: undefined,
    force: false,
    applied: undefined,
    rolledBack: undefined,
  };
  // `--name=x` and `--name x` are the same.
  const rest = args.flatMap((arg) => /^(--[a-z-]+)=(.*)$/s.exec(arg)?.slice(1) ?? [arg]);
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const flag = Object.hasOwn(spelled, arg) ? spelled[arg] : undefined;
    if (flag === undefined || !allowed.includes(flag)) throw unknownArgument(command, arg, allowed, environment);
    if (flag === "force") {
      found.force = true;
      continue;
    }
    const value = rest.shift();
    if (value === undefined || value === "") throw usage(`${arg} lacks its value.`, exampleOf(command, environment));
    found[flag] = value;
  }
  return found;
}

function unknownArgument(command: string, arg: string, allowed: readonly string[], environment: string): PipelineError {
  const known = Object.entries(spelled).filter(([, flag]) => allowed.includes(flag));
  const list = known.map(([name]) => name).join(", ");
  return usage(
    `prisma:migrate:${command} does not know "${arg}"; it takes ${list === "" ? "no argument" : list}.`,
    exampleOf(command, environment),
  );
}

/** A command line that the command takes. */
export function exampleOf(command: string, environment: string): string {
  const script = command === "validate" ? "prisma:validate" : `prisma:migrate:${command}`;
  return `Run: ${npmRun(environment, script, ...(examples[command] ?? []))}`;
}

const examples: Readonly<Record<string, readonly string[]>> = {
  create: ["--name add_orders"],
  dev: ["--name add_orders"],
  reset: ["--force"],
  resolve: ["--rolled-back 20240101120000_add_orders"],
};

export function usage(message: string, next: string): PipelineError {
  return new PipelineError({ code: "USAGE", kind: "usage", message, state: "Nothing was touched.", next });
}
