/** What Prisma's CLI reads from the engine's standard error: one JSON object a line. */
export function log(
  level: "INFO" | "ERROR",
  fields: { readonly message: string } & Readonly<Record<string, unknown>>,
): void {
  const target = level === "ERROR" ? "schema_engine::logger" : "schema_engine";
  process.stderr.write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, fields, target })}\n`);
}

/** An error that Prisma's CLI shows with its code (`P1001`, …). */
export class UserFacingError extends Error {
  constructor(
    readonly code: string | undefined,
    message: string,
  ) {
    super(message);
    this.name = "UserFacingError";
  }
}
