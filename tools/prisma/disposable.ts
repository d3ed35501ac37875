import { PipelineError } from "../../pipeline/errors.js";

/** Environments whose data may be thrown away. */
const disposable = new Set(["local", "dev"]);

/** @throws PipelineError (`refused`) on any environment but `local` and `dev`. */
export function assertDisposable(environment: string, command: string, instead: string): void {
  if (disposable.has(environment)) return;
  throw new PipelineError({
    code: "NOT_ON_THIS_ENVIRONMENT",
    kind: "refused",
    message: `prisma:migrate:${command} is for local and dev only; this is "${environment}".`,
    state: "Nothing was touched: no connection was made.",
    next: instead,
  });
}
