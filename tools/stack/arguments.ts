import { parseArgs } from "node:util";

export const commands = ["start", "up", "preview", "destroy", "outputs", "export"] as const;
export type Command = (typeof commands)[number];

export interface Arguments {
  readonly command: Command;
  readonly stack: string;
  /** `destroy`: remove the local stack's data as well. */
  readonly purge: boolean;
  /** `destroy`: the name of the protected stack that may be destroyed. */
  readonly yesDestroy?: string;
  /** `up`: why it does not wait for the maintenance window. */
  readonly now?: string;
  /** `preview`: tell what is not promoted yet instead of refusing it. */
  readonly beforePromotion?: boolean;
}

/** The command line is wrong; nothing was touched. */
export class UsageError extends Error {}

const stackOfNodeEnv: Readonly<Record<string, string>> = { staging: "staging", production: "prod", development: "dev" };

/** The stack meant where none is named: by `NODE_ENV`, as the application's own scripts have it, else `local`. */
export function defaultStack(nodeEnv: string | undefined): string {
  return stackOfNodeEnv[nodeEnv ?? ""] ?? "local";
}

/** @throws UsageError naming what is wrong and what is allowed. */
export function parse(argv: readonly string[], nodeEnv: string | undefined): Arguments {
  const [name, ...rest] = argv;
  const command = commands.find((known) => known === name);
  if (command === undefined) throw new UsageError(`unknown command "${name ?? ""}"; known: ${commands.join(", ")}`);
  const values = read(command, rest);
  const stack = values.stack ?? (command === "start" ? "local" : defaultStack(nodeEnv));
  if (!/^[\w.-]+$/.test(stack))
    throw new UsageError(`--stack ${stack}: a stack's name has letters, digits, "-", "_" and "." only`);
  if (command === "start" && stack !== "local") {
    throw new UsageError(`npm start is for the stack local; run: npm run up -- --stack ${stack}`);
  }
  if (values.purge && stack !== "local") {
    throw new UsageError(
      `--purge is for the stack local, whose data is under .local/; the data of ${stack} is not this command's`,
    );
  }
  if (values.now?.trim() === "") throw new UsageError("--now: say why, the reason is recorded with the run");
  return {
    ...{ command, stack, purge: values.purge ?? false, yesDestroy: values["yes-destroy"], now: values.now },
    ...(values["before-promotion"] === true ? { beforePromotion: true } : {}),
  };
}

function read(command: Command, args: string[]) {
  const stack = { stack: { type: "string", short: "s" } } as const;
  const destroying = { ...stack, purge: { type: "boolean" }, "yes-destroy": { type: "string" } } as const;
  const running = { ...stack, now: { type: "string" } } as const;
  const previewing = { ...running, "before-promotion": { type: "boolean" } } as const;
  const runs = command === "up" || command === "start" || command === "preview";
  try {
    const options = command === "destroy" ? destroying : command === "preview" ? previewing : runs ? running : stack;
    const { values } = parseArgs({ args, options, allowPositionals: false });
    return values as {
      stack?: string;
      purge?: boolean;
      "yes-destroy"?: string;
      now?: string;
      "before-promotion"?: boolean;
    };
  } catch (error) {
    const more =
      command === "destroy"
        ? ", --purge, --yes-destroy NAME"
        : command === "preview"
          ? ", --now REASON, --before-promotion"
          : runs
            ? ", --now REASON"
            : "";
    throw new UsageError(`${error instanceof Error ? error.message : String(error)} (allowed: --stack NAME${more})`, {
      cause: error,
    });
  }
}
